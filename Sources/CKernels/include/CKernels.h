/// The arithmetic of wavetag's nets, one implementation for each instruction set, chosen at run time.
///
/// All activations are "channels last": one column (time step) is a contiguous run of channels. A layer's
/// inputs are named by pointers, one a column, so that a column may come from a ring, from an edge's own
/// memory or from a column of zeros, without being copied first.
#ifndef WAVETAG_CKERNELS_H
#define WAVETAG_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

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
    void (*convolve)(const wavetag_convolution *layer, size_t columns, const void *const *inputs,
                     void *const *outputs);

    /// Input channels that one panel holds. What follows is for training; see Sources/Core/Training.
    size_t panel;
    /// input [rows, width] → panels [⌈width / panel⌉, rows, panel], zeros behind `width`.
    void (*pack_panels)(size_t rows, size_t width, const float *input, float *panels);
    /// input [rows, width] → rows `first` … of blocks [⌈width / lanes⌉, stride, lanes], zeros behind `width`.
    void (*pack_blocks)(size_t rows, size_t width, const float *input, size_t first, size_t stride, float *blocks);
    /// gradient [taps, depth, width] +=  Σ over r < rows  of input[r + tap] · returned[r],  the input packed as panels
    /// [.., panel_rows, panel], panel_rows ≥ rows + taps − 1, and what is returned as blocks [.., rows, lanes].
    void (*accumulate)(size_t taps, size_t rows, size_t depth, size_t width, size_t panel_rows, const float *panels,
                       const float *blocks, float *gradient);
    /// Of z [columns, pool, width]: adds each channel's values to `sum` and their squares to `squares`, and gives the
    /// largest of each `pool` times `sign` (1, or −1 for the smallest) in `extreme` [columns, width].
    void (*statistics)(size_t columns, size_t pool, size_t width, const float *z, const float *sign, float *extreme,
                       float *sum, float *squares);
    /// output = max(0, scale · x + offset), [columns, width].
    void (*normalise)(size_t columns, size_t width, const float *x, const float *scale, const float *offset,
                      float *output);
    /// Where scale · x + offset is not above 0, the gradient becomes 0; adds it to `sum`, and times (x − mean) to
    /// `products`, each [width].
    void (*rectify)(size_t columns, size_t width, const float *x, const float *scale, const float *offset,
                    const float *mean, float *gradient, float *sum, float *products);
    /// output [columns, pool, width] = slope · z + constant, plus factor · gradient at the first of each `pool` rows
    /// that equals `extreme` [columns, width].
    void (*unpool)(size_t columns, size_t pool, size_t width, const float *z, const float *extreme,
                   const float *gradient, const float *factor, const float *slope, const float *constant,
                   float *output);
} wavetag_kernel;

/// The kernels that this processor can run, the fastest first; the last is always `portable`.
/// Never fails and never changes while a program runs.
const wavetag_kernel *const *wavetag_kernels(size_t *count);

/// Floats that packed weights take for a kernel of `lanes`.
size_t wavetag_packed_size(size_t lanes, size_t taps, size_t depth, size_t width);

/// Packs weights [width, depth, taps] (PyTorch's order), each output channel scaled by `scale` [width].
void wavetag_pack(size_t lanes, size_t taps, size_t depth, size_t width, const float *weights,
                  const float *scale, float *packed);

/// Largest taps · depth of an 8-bit convolution: its sums and their bias stay below 2^31.
enum { wavetag_int8_most_inputs = 32768 };

/// Bytes of a column of `depth` 8-bit channels: rounded up, so that every kernel reads whole steps.
static inline size_t wavetag_int8_column_bytes(size_t depth) { return (depth + 7) / 8 * 8; }

/// One convolution with its max-pool in 8 bits: unsigned inputs without an offset, signed weights, exact 32-bit sums.
///
/// With v = max(0, bias + max over r in 0 ..< pool of  Σ over t in 0 ..< taps  W[t] · x[r + t]), an output is the byte
/// min(255, (v · multiplier + 2^(shift − 1)) >> shift), or, where `output_scale` is given, the float v · output_scale.
typedef struct {
    size_t taps;
    /// Channels of an input column, which takes `wavetag_int8_column_bytes(depth)` bytes.
    size_t depth;
    size_t pool;
    size_t width;
    /// Written by `wavetag_int8_pack` for one kernel.
    const int8_t *weights;
    /// [width rounded up to lanes], with the kernel's input offset worked in by `wavetag_int8_pack`.
    const int32_t *bias;
    /// [width rounded up to lanes], below 2^31.
    const uint32_t *multiplier;
    /// 1 to 62.
    unsigned shift;
    /// [width rounded up to lanes], or null for bytes.
    const float *output_scale;
} wavetag_int8_convolution;

/// A float layer of an 8-bit net: outputs bias + Σ over c of  weights[c] · x[c],  fused and in that order.
typedef struct {
    size_t depth;
    size_t width;
    /// [blocks, depth, lanes], zeros behind `width`.
    const float *weights;
    /// [blocks · lanes].
    const float *bias;
    /// Whether outputs are bytes, rounded half to even and held to 0 … 255, instead of floats.
    int to_bytes;
} wavetag_int8_dense;

/// One instruction set's 8-bit kernels. All give the same bits.
typedef struct {
    /// `avx512-vnni`, `avx-vnni`, `avx2`, `neon-dotprod`, `neon` or `portable`.
    const char *name;
    size_t vector_lanes;
    size_t lane_vectors;
    /// Input channels that stand together in packed weights.
    size_t step_channels;
    /// What the kernel takes off every input.
    int input_offset;
    /// As `wavetag_kernel.convolve`; input columns are bytes, output columns bytes or floats.
    void (*convolve)(const wavetag_int8_convolution *layer, size_t columns, const void *const *inputs,
                     void *const *outputs);
    void (*dense)(const wavetag_int8_dense *layer, size_t columns, const void *const *inputs, void *const *outputs);
} wavetag_int8_kernel;

/// The 8-bit kernels that this processor can run, the fastest first; the last is always `portable`.
const wavetag_int8_kernel *const *wavetag_int8_kernels(size_t *count);

/// Bytes that packed 8-bit weights take.
size_t wavetag_int8_packed_size(const wavetag_int8_kernel *kernel, size_t taps, size_t depth, size_t width);

/// Packs weights [width, depth, taps] and adds to `bias` [width] what the kernel's input offset takes off.
void wavetag_int8_pack(const wavetag_int8_kernel *kernel, size_t taps, size_t depth, size_t width,
                       const int8_t *weights, int8_t *packed, int32_t *bias);

#ifdef __cplusplus
}
#endif
#endif
