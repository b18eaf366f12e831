#include <alsa/asoundlib.h>

// ALSA prints its complaints on standard error unless told otherwise, and Swift can't write a variadic handler.
static void wavetag_alsa_ignore(const char *file, int line, const char *function, int error, const char *format, ...)
{
    (void)file, (void)line, (void)function, (void)error, (void)format;
}

/// Keeps ALSA from printing; its errors are returned all the same.
static inline void wavetag_alsa_silence_errors(void) { snd_lib_error_set_handler(wavetag_alsa_ignore); }
