#ifndef WAVETAG_SCRIPTED_DEVICE_H
#define WAVETAG_SCRIPTED_DEVICE_H
// Nothing to call: ALSA loads the library and finds what it wants by name.
#endif
