#include <hdf5.h>

// What Swift can't import: macros that call functions, and functions whose names are macros in other versions.

/// Opens a file for reading; negative where it is none. Errors are returned, and not printed by the library.
static inline hid_t wavetag_hdf5_open(const char *path)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    // Filters that aren't built in would be looked for on disk, and run.
    H5PLset_loading_state(0);
    return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

/// Whether a link is there and leads to an object of the same file, by no other name.
static inline int wavetag_hdf5_is_hard_link(hid_t group, const char *name)
{
    H5L_info_t info;
    return H5Lexists(group, name, H5P_DEFAULT) > 0 && H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 &&
           info.type == H5L_TYPE_HARD;
}

/// Whether a dataset's numbers lie in the file itself: neither in another one nor nowhere.
static inline int wavetag_hdf5_is_stored_within(hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset);
    if (properties < 0)
        return 0;
    H5D_layout_t layout = H5Pget_layout(properties);
    int external = layout == H5D_CONTIGUOUS ? H5Pget_external_count(properties) : 0;
    H5Pclose(properties);
    return (layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED) && external == 0 &&
           H5Dget_storage_size(dataset) > 0;
}

/// Reads a whole dataset as floats, row-major; negative where that fails.
static inline herr_t wavetag_hdf5_read_floats(hid_t dataset, float *values)
{
    return H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}
