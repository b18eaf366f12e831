// An ALSA capture device with a clock, that fails as its script says: a plugin of ALSA's, which an asound.conf names as
//
//     pcm_type.scripted { lib "…/libasound_module_pcm_scripted.so" }
//     pcm.failing { type scripted; failures "EPIPE ESTRPIPE ENODEV EIO" }
//
// One channel of 16 bits at 22 050 Hz, a ramp. After each tenth of a second it fails with the next of `failures`; started
// again, or opened again, it is silent for 0.15 s first: that is what is lost. RESUME stands for a suspended machine whose
// device can go on where it was, ESTRPIPE for one whose device can't. Failures are counted for the whole process.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include "ScriptedDevice.h"

enum { RATE = 22050, BETWEEN_FAILURES = RATE / 10, BUFFER = 1 << 15 };
static const double SILENCE = 0.15;
static unsigned failed;

struct scripted {
    snd_pcm_ioplug_t plug;
    char failures[128];
    /// When the first frame counts as captured, seconds; then every frame by the clock.
    double started;
    unsigned delivered;
    /// Frames read since `started`.
    unsigned long position;
    /// Whether it can go on after it was suspended.
    int resumes;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static int start(snd_pcm_ioplug_t *plug)
{
    struct scripted *device = plug->private_data;
    const struct itimerspec often = {{0, 2000000}, {0, 2000000}};
    device->started = now() + (failed ? SILENCE : 0);
    device->delivered = 0;
    device->position = 0;
    return timerfd_settime(plug->poll_fd, 0, &often, NULL) ? -errno : 0;
}

static int stop(snd_pcm_ioplug_t *plug)
{
    (void)plug;
    return 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *plug)
{
    const struct scripted *device = plug->private_data;
    const double seconds = now() - device->started;
    return seconds <= 0 ? 0 : (snd_pcm_sframes_t)(seconds * RATE) % plug->buffer_size;
}

/// The next failure of the script as an error; 0 when it has come to its end.
static int next_failure(struct scripted *device)
{
    char words[sizeof device->failures], *rest = NULL;
    strcpy(words, device->failures);
    const char *word = strtok_r(words, " ", &rest);
    for (unsigned index = 0; word && index < failed; index++) word = strtok_r(NULL, " ", &rest);
    if (!word) return 0;
    failed++;
    device->resumes = strcmp(word, "RESUME") == 0;
    if (strcmp(word, "EPIPE") == 0) return EPIPE;
    if (strcmp(word, "ENODEV") == 0) return ENODEV;
    if (strcmp(word, "EIO") == 0) return EIO;
    return ESTRPIPE;
}

static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *plug, const snd_pcm_channel_area_t *areas,
                                  snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
    struct scripted *device = plug->private_data;
    if (device->delivered >= BETWEEN_FAILURES) {
        const int error = next_failure(device);
        if (error == ESTRPIPE) snd_pcm_ioplug_set_state(plug, SND_PCM_STATE_SUSPENDED);
        if (error) return -error;
    }
    int16_t *frames = (int16_t *)areas->addr + areas->first / 16 + offset;
    for (snd_pcm_uframes_t index = 0; index < size; index++) frames[index] = (int16_t)device->delivered++;
    device->position += size;
    return size;
}

static int resume(snd_pcm_ioplug_t *plug)
{
    struct scripted *device = plug->private_data;
    if (!device->resumes) return -ENOSYS;
    snd_pcm_ioplug_set_state(plug, SND_PCM_STATE_RUNNING);
    // Its clock goes on from the last frame that was read.
    device->started = now() - (double)device->position / RATE;
    device->delivered = 0;
    return 0;
}

static int poll_revents(snd_pcm_ioplug_t *plug, struct pollfd *descriptors, unsigned count, unsigned short *events)
{
    uint64_t ticks;
    (void)plug;
    (void)count;
    *events = descriptors[0].revents;
    if (*events & POLLIN && read(descriptors[0].fd, &ticks, sizeof ticks) < 0) *events = 0;
    return 0;
}

static int close_device(snd_pcm_ioplug_t *plug)
{
    close(plug->poll_fd);
    free(plug->private_data);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = start,
    .stop = stop,
    .pointer = pointer,
    .transfer = transfer,
    .resume = resume,
    .poll_revents = poll_revents,
    .close = close_device,
};

static int restrict_parameters(snd_pcm_ioplug_t *plug)
{
    static const unsigned access = SND_PCM_ACCESS_RW_INTERLEAVED, format = SND_PCM_FORMAT_S16_LE;
    int error = snd_pcm_ioplug_set_param_list(plug, SND_PCM_IOPLUG_HW_ACCESS, 1, &access);
    if (!error) error = snd_pcm_ioplug_set_param_list(plug, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_CHANNELS, 1, 1);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_RATE, RATE, RATE);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_BUFFER_BYTES, BUFFER, BUFFER);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 4096);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(scripted)
{
    (void)root;
    struct scripted *device = calloc(1, sizeof *device);
    if (!device) return -ENOMEM;
    snd_config_iterator_t position, next;
    snd_config_for_each(position, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(position);
        const char *key, *text;
        if (snd_config_get_id(entry, &key) == 0 && strcmp(key, "failures") == 0
            && snd_config_get_string(entry, &text) == 0)
            strncpy(device->failures, text, sizeof device->failures - 1);
    }
    device->plug.version = SND_PCM_IOPLUG_VERSION;
    device->plug.name = "fails as told";
    device->plug.callback = &callbacks;
    device->plug.private_data = device;
    device->plug.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    device->plug.poll_events = POLLIN;
    int error = device->plug.poll_fd < 0 ? -errno : snd_pcm_ioplug_create(&device->plug, name, stream, mode);
    if (!error) {
        error = restrict_parameters(&device->plug);
        // Deletes the device too.
        if (error) {
            snd_pcm_ioplug_delete(&device->plug);
            return error;
        }
        *pcmp = device->plug.pcm;
        return 0;
    }
    free(device);
    return error;
}

SND_PCM_PLUGIN_SYMBOL(scripted);
