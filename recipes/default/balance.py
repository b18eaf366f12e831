#!/usr/bin/env python3
"""Moves a model's family tags against each other, so that solos of valid are taken for what they are.

    balance.py WORK WAVETAG OUT MODEL

Most music has a piano or a guitar in it, next to none a harp or a choir, and a net has learned that too: of a solo that it
isn't sure of it says what is usual. So each family tag's logit gets an offset, those that make valid's solos, as they are
and in a room, likeliest (logistic regression of the family on the tags' logits, with no weights but the offsets, which are
held near to zero). It is added to the output layers' biases, and moves no ROC-AUC of a net.
"""

import sys

import numpy
import scipy.optimize

import modelfile
from evaluate import FAMILY_TAGS, families
from families import solos
from instruments import FAMILIES
from predictions import predict

PENALTY = 0.005  # Of the square of an offset, beside a window's mean loss.


def offsets(logits, of_tag, truth):
    """An offset for each column: `of_tag` has the number of its family, `truth` that of each row."""
    member = numpy.eye(len(FAMILIES))[of_tag]

    def loss(moved):
        odds = numpy.exp(logits + moved - (logits + moved).max(1, keepdims=True)) @ member
        right = odds[numpy.arange(len(truth)), truth] / odds.sum(1)
        return -numpy.log(right + 1e-9).mean() + PENALTY * (moved ** 2).sum()

    return scipy.optimize.minimize(loss, numpy.zeros(logits.shape[1]), method="L-BFGS-B").x


def main():
    work, wavetag, out, model = sys.argv[1:]
    logits, truth = [], []
    for rows in solos(work):
        heard = predict(wavetag, model, rows)
        columns = [index for index, tag in enumerate(heard.tags) if tag in FAMILY_TAGS]
        tags = [heard.tags[column] for column in columns]
        scores = heard.scores[:, columns].clip(1e-6, 1 - 1e-6)
        logits.append(numpy.log(scores / (1 - scores)))
        truth += [FAMILIES.index(row["family"]) for row in heard.rows]
        print(f"before: {100 * families(heard)[0]['value']:.1f} % of windows")
    moved = offsets(numpy.concatenate(logits), [FAMILIES.index(FAMILY_TAGS[tag]) for tag in tags], numpy.array(truth))
    by_tag = dict(zip(tags, moved, strict=True))
    print(", ".join(f"{tag} {value:+.2f}" for tag, value in by_tag.items()))
    metadata, configuration, tensors = modelfile.read(model)
    every = numpy.array([by_tag.get(tag, 0) for tag in configuration["tags"]], numpy.float32)
    for key, (entry, data) in tensors.items():
        if key.endswith(".output.bias"):
            tensors[key] = (entry, (numpy.frombuffer(data, numpy.float32) + every).tobytes())
    modelfile.write(out, metadata, configuration, tensors)


if __name__ == "__main__":
    main()
