/// The arithmetic of wavetag's nets, one implementation for each instruction set, chosen at run time.
///
/// All activations are "channels last": one column (time step) is a contiguous run of channels. A layer's
/// inputs are named by pointers, one a column, so that a column may come from a ring, from an edge's own
/// memory or from a column of zeros, without being copied first.
#ifndef WAVETAG_CKERNELS_H
#define WAVETAG_CKERNELS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One convolution with its max-pool, batch norm already folded into weights and bias.
///
/// An output column is   max over r in 0 ..< pool of  Σ over t in 0 ..< taps  W[t] · x[r + t],   plus bias,
/// then ReLU when `relu` is not 0. `pool` is 1 where there is none; a dense layer has one tap and no pool.
typedef struct {
    /// Taps of the convolution.
    size_t taps;
    /// Channels of an input column.
    size_t depth;
    /// Convolution rows that one output column is the maximum of.
    size_t pool;
    /// Channels of an output column.
    size_t width;
    /// Whether negative outputs become zero.
    int relu;
    /// [blocks, taps · depth, lanes], zeros behind `width`; written by `wavetag_pack`.
    const float *weights;
    /// [blocks · lanes], zeros behind `width`.
    const float *bias;
} wavetag_convolution;

/// One instruction set's kernels.
typedef struct {
    /// `avx512`, `avx2`, `neon` or `portable`.
    const char *name;
    /// Output channels that one block of packed weights holds.
    size_t lanes;
    /// Computes `columns` output columns.
    ///
    /// - inputs: [columns, pool + taps − 1] pointers to input columns of `depth` floats.
    /// - outputs: [columns] pointers to output columns of `width` floats, none of which is an input.
    void (*convolve)(const wavetag_convolution *layer, size_t columns, const float *const *inputs,
                     float *const *outputs);
} wavetag_kernel;

/// The kernels that this processor can run, the fastest first; the last is always `portable`.
/// Never fails and never changes while a program runs.
const wavetag_kernel *const *wavetag_kernels(size_t *count);

/// Floats that packed weights take for a kernel of `lanes`.
size_t wavetag_packed_size(size_t lanes, size_t taps, size_t depth, size_t width);

/// Packs weights [width, depth, taps] (PyTorch's order), each output channel scaled by `scale` [width].
void wavetag_pack(size_t lanes, size_t taps, size_t depth, size_t width, const float *weights,
                  const float *scale, float *packed);

#ifdef __cplusplus
}
#endif
#endif
