#include <dlfcn.h>
#include <pthread.h>

#include "include/CHDF5.h"

// A name as the header may have rewritten it, for example into a version of the function.
#define NAME_OF(function) #function
#define NAME(function) NAME_OF(function)

static wavetag_hdf5 library;
static int is_loaded;
static const hid_t *native_float;

static void load(void)
{
    static const char *const names[] = {"libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5_serial.so", "libhdf5.so"};
    void *handle = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++) handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
#define LOAD(function)                                                                     \
    if (!(library.function = (__typeof__(function) *)dlsym(handle, NAME(function)))) return;
    WAVETAG_HDF5_FUNCTIONS(LOAD)
#undef LOAD
    // Nothing is written, so nothing need be closed at the program's end. Of a damaged file libhdf5 can leave parts open
    // that nobody has a number of, and would then complain there.
    herr_t (*leave_open)(void) = (herr_t (*)(void))dlsym(handle, "H5dont_atexit");
    if (leave_open) leave_open();
    herr_t (*start)(void) = (herr_t (*)(void))dlsym(handle, "H5open");
    native_float = (const hid_t *)dlsym(handle, "H5T_NATIVE_FLOAT_g");
    // Only once it has been opened is the number of the type of floats set.
    if (!start || !native_float || start() < 0) return;
    // Filters that aren't built in would be looked for on disk, and run.
    library.H5PLset_loading_state(0);
    is_loaded = 1;
}

const wavetag_hdf5 *wavetag_hdf5_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded ? &library : NULL;
}

hid_t wavetag_hdf5_open(const char *path)
{
    if (!wavetag_hdf5_library()) return -1;
    library.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return library.H5Fopen(path, 0, H5P_DEFAULT);
}

int wavetag_hdf5_is_hard_link(hid_t group, const char *name)
{
    H5L_info_t info;
    return library.H5Lexists(group, name, H5P_DEFAULT) > 0
        && library.H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

int wavetag_hdf5_is_stored_within(hid_t dataset)
{
    hid_t properties = library.H5Dget_create_plist(dataset);
    if (properties < 0) return 0;
    H5D_layout_t layout = library.H5Pget_layout(properties);
    int external = layout == H5D_CONTIGUOUS ? library.H5Pget_external_count(properties) : 0;
    library.H5Pclose(properties);
    return (layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED) && external == 0
        && library.H5Dget_storage_size(dataset) > 0;
}

herr_t wavetag_hdf5_read_floats(hid_t dataset, float *values)
{
    return library.H5Dread(dataset, *native_float, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}
