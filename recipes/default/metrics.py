"""Figures of predictions, each as a function of weights of sounds, so that a bootstrap can draw sounds anew."""

import numpy

DRAWS = 1000
SEED = 1


class Ranking:
    """Macro ROC-AUC over tags with at least `least` positives; a label of `positive` or more is one."""

    def __init__(self, scores, labels, positive, least):
        is_positive = labels >= positive
        counts = is_positive.sum(0)
        self.tags = [tag for tag in range(labels.shape[1]) if max(1, least) <= counts[tag] < len(labels)]
        self.places = {tag: numpy.unique(scores[:, tag], return_inverse=True)[1] for tag in self.tags}
        self.positive = is_positive

    def of_tag(self, tag, weights):
        """How likely a positive is ranked above a negative, a tie counting half; NaN without both kinds."""
        places = self.places[tag]
        yes = numpy.bincount(places, weights * self.positive[:, tag])
        no = numpy.bincount(places, weights * ~self.positive[:, tag])
        both = yes.sum() * no.sum()
        return (yes * (numpy.cumsum(no) - no / 2)).sum() / both if both else numpy.nan

    def __call__(self, weights):
        areas = [self.of_tag(tag, weights) for tag in self.tags]
        return float(numpy.nanmean(areas)) if areas and not numpy.isnan(areas).all() else numpy.nan


def calibration_error(scores, labels, weights, bins=10):
    """Expected calibration error of one tag: mean distance of mean label and mean probability in bins of probability.

    A label of 0.7 counts as seven tenths of a positive.
    """
    place = numpy.minimum((scores * bins).astype(int), bins - 1)
    distance = numpy.abs(numpy.bincount(place, weights * (labels - scores), bins))
    return float(distance.sum() / weights.sum())


def by_sound(values, sounds):
    """Means of [windows, tags] over each sound's windows."""
    sums = numpy.zeros((sounds.max() + 1, values.shape[1]))
    numpy.add.at(sums, sounds, values)
    return sums / numpy.bincount(sounds)[:, None]


def interval(figure, sounds):
    """The figure, and the range of 95 % of bootstrap resamples, which draw sounds with all their windows.

    `figure` is given a weight for each window; `sounds` is the number of each window's sound.
    """
    chance, count = numpy.random.default_rng(SEED), sounds.max() + 1
    draws = [figure(chance.multinomial(count, numpy.full(count, 1 / count))[sounds].astype(float))
             for _ in range(DRAWS)]
    low, high = numpy.nanquantile(draws, [0.025, 0.975]) if not numpy.isnan(draws).all() else (numpy.nan, numpy.nan)
    return {"value": float(figure(numpy.ones(len(sounds)))), "low": float(low), "high": float(high)}


def share(hits, sounds):
    """The share of windows where something holds."""
    return interval(lambda weights: float((weights * hits).sum() / max(weights.sum(), 1)), sounds)
