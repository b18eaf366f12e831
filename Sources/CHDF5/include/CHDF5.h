/// libhdf5, loaded when it is first wanted: it brings libcurl and a dozen other libraries along, and the daemon has no
/// use for any of them.
#ifndef WAVETAG_CHDF5_H
#define WAVETAG_CHDF5_H

#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#else
#include <hdf5.h>
#endif

/// Functions of the library, each with the signature that its header gives it.
#define WAVETAG_HDF5_FUNCTIONS(F) \
    F(H5Aclose) F(H5Aexists) F(H5Aget_space) F(H5Aget_type) F(H5Aopen) F(H5Aread) \
    F(H5Dget_create_plist) F(H5Dget_space) F(H5Dget_storage_size) F(H5Dget_type) F(H5Dread) F(H5Dvlen_reclaim) \
    F(H5Eset_auto2) F(H5Fclose) F(H5Fopen) F(H5Iget_type) F(H5Lexists) F(H5Lget_info) F(H5Oclose) F(H5Oopen) \
    F(H5PLset_loading_state) F(H5Pclose) F(H5Pget_external_count) F(H5Pget_layout) \
    F(H5Sclose) F(H5Sget_simple_extent_dims) F(H5Sget_simple_extent_ndims) F(H5Sget_simple_extent_npoints) \
    F(H5Tclose) F(H5Tget_class) F(H5Tget_size) F(H5Tget_strpad) F(H5Tis_variable_str)

typedef struct {
#define WAVETAG_HDF5_MEMBER(function) __typeof__(function) *_Nonnull function;
    WAVETAG_HDF5_FUNCTIONS(WAVETAG_HDF5_MEMBER)
#undef WAVETAG_HDF5_MEMBER
} wavetag_hdf5;

/// The library; null where it can't be loaded. Never unloaded. Safe to call from any thread.
const wavetag_hdf5 *_Nullable wavetag_hdf5_library(void);

/// Opens a file for reading; negative where it is none. Errors are returned, and not printed by the library.
hid_t wavetag_hdf5_open(const char *_Nonnull path);

/// Whether a link is there and leads to an object of the same file, by no other name.
int wavetag_hdf5_is_hard_link(hid_t group, const char *_Nonnull name);

/// Whether a dataset's numbers lie in the file itself: neither in another one nor nowhere.
int wavetag_hdf5_is_stored_within(hid_t dataset);

/// Reads a whole dataset as floats, row-major; negative where that fails.
herr_t wavetag_hdf5_read_floats(hid_t dataset, float *_Nonnull values);

#endif
