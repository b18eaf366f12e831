#ifndef WAVETAG_SHIFTED_CLOCK_H
#define WAVETAG_SHIFTED_CLOCK_H
// Nothing to call: the dynamic linker puts its clocks in the place of the system's.
#endif
