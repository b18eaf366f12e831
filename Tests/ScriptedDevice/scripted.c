// An ALSA capture device with a clock, that fails as its script says: a plugin of ALSA's, which an asound.conf names as
//
//     pcm_type.scripted { lib "…/libasound_module_pcm_scripted.so" }
//     pcm.failing { type scripted; failures "EPIPE ESTRPIPE ENODEV EIO" }
//
// One channel of 16 bits at 22 050 Hz, a ramp. After each tenth of a second it fails with the next of `failures`; started
// again, also after an overrun, or opened again, it is silent for 0.15 s first: that is what is lost. RESUME stands for a suspended machine whose
// device can go on where it was, ESTRPIPE for one whose device can't. Failures are counted for the whole process. Who
// doesn't read for three quarters of a second, or `buffer` (a power of two) frames, has an overrun.
//
//     pcm.pluggable { type scripted; state "/tmp/card1"; ppm 500; started "/tmp/started" }
//
// Without the file `state` the device is pulled out. What the file says holds at once, or where the device is opened next:
// `busy` (somebody else has it), `still` (all samples are 0), `mute` (it runs, and delivers nothing), `hang` (reading it
// doesn't return, and there is a file `state`.hung), `slept` (the machine has slept, which is told once), `rate=48000`. Its clock is fast by `ppm`. When the
// first frame was captured, in nanoseconds since 1970, is written to `started`.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include "ScriptedDevice.h"

enum { RATE = 22050, BUFFER = 1 << 14 };
static const double SILENCE = 0.15;
static unsigned failed;

struct scripted {
    snd_pcm_ioplug_t plug;
    char failures[128], state[256], started_path[256];
    double ppm;
    unsigned rate, buffer;
    /// When the first frame counts as captured, seconds; then every frame by the clock.
    double started;
    unsigned delivered;
    /// Frames read since `started`, and those that it has said it has.
    unsigned long position;
    double said;
    int ran_over;
    /// What it has failed with since it was started: said again and again, since ALSA keeps an error to itself where the same
    /// read has had frames before.
    int error;
    /// Whether it can go on after it was suspended.
    int resumes;
    /// What `state` says, and when it was last read.
    int is_gone, is_busy, is_still, is_mute, is_hung, has_slept, has_told_sleep;
    double looked;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

/// Reads `state` again, unless it was read less than `pause` seconds ago.
static void look(struct scripted *device, double pause)
{
    char text[64] = "";
    const char *rate;
    if (!device->state[0] || now() - device->looked < pause) return;
    device->looked = now();
    const int file = open(device->state, O_RDONLY | O_CLOEXEC);
    device->is_gone = file < 0 && errno == ENOENT;
    if (file < 0) return;
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    device->is_busy = strstr(text, "busy") != NULL;
    device->is_still = strstr(text, "still") != NULL;
    device->is_mute = strstr(text, "mute") != NULL;
    device->is_hung = strstr(text, "hang") != NULL;
    device->has_slept = strstr(text, "slept") != NULL;
    if ((rate = strstr(text, "rate=")) && !device->plug.pcm) device->rate = (unsigned)atoi(rate + 5);
}

/// Frames captured since `started`.
static double captured(const struct scripted *device)
{
    return (now() - device->started) * device->rate * (1 + device->ppm * 1e-6);
}

static int start(snd_pcm_ioplug_t *plug)
{
    struct scripted *device = plug->private_data;
    const struct itimerspec often = {{0, 2000000}, {0, 2000000}};
    struct timespec time;
    look(device, 0);
    if (device->is_gone) return -ENODEV;
    const double silence = failed || device->ran_over ? SILENCE : 0;
    clock_gettime(CLOCK_REALTIME, &time);
    device->started = now() + silence;
    device->delivered = 0;
    device->position = 0;
    device->said = 0;
    device->error = 0;
    if (device->started_path[0]) {
        FILE *file = fopen(device->started_path, "we");
        if (!file) return -errno;
        fprintf(file, "%lld\n", time.tv_sec * 1000000000LL + time.tv_nsec + (long long)(silence * 1e9));
        fclose(file);
    }
    return timerfd_settime(plug->poll_fd, 0, &often, NULL) ? -errno : 0;
}

static int stop(snd_pcm_ioplug_t *plug)
{
    (void)plug;
    return 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *plug)
{
    struct scripted *device = plug->private_data;
    look(device, 0.005);
    // An error here would count as an overrun.
    const double frames = device->is_mute ? 0 : captured(device);
    if (frames > device->said) device->said = frames;
    if (frames - device->position >= plug->buffer_size) {
        device->ran_over = 1;
        return -EPIPE;
    }
    // What it has said that it has, it has: ALSA would take fewer for more, by a whole buffer.
    return (snd_pcm_sframes_t)device->said % plug->buffer_size;
}

/// Says so in the file beside `state`, and returns when `state` has another word.
static void hang(struct scripted *device)
{
    char told[sizeof device->state + 8];
    snprintf(told, sizeof told, "%s.hung", device->state);
    close(open(told, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    for (; device->is_hung; look(device, 0)) usleep(20000);
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
    look(device, 0);
    if (device->is_hung) hang(device);
    if (device->is_gone) return -ENODEV;
    if (!device->error && device->has_slept && !device->has_told_sleep) {
        device->has_told_sleep = 1;
        device->resumes = 0;
        device->error = ESTRPIPE;
    }
    if (!device->error && device->delivered >= device->rate / 10) device->error = next_failure(device);
    if (device->error == ESTRPIPE) snd_pcm_ioplug_set_state(plug, SND_PCM_STATE_SUSPENDED);
    if (device->error) return -device->error;
    int16_t *frames = (int16_t *)areas->addr + areas->first / 16 + offset;
    for (snd_pcm_uframes_t index = 0; index < size; index++, device->delivered++)
        frames[index] = device->is_still ? 0 : (int16_t)device->delivered;
    device->position += size;
    return size;
}

static int resume(snd_pcm_ioplug_t *plug)
{
    struct scripted *device = plug->private_data;
    if (!device->resumes) return -ENOSYS;
    snd_pcm_ioplug_set_state(plug, SND_PCM_STATE_RUNNING);
    // Its clock goes on from the last frame that anybody knows of.
    device->started = now() - device->said / (device->rate * (1 + device->ppm * 1e-6));
    device->delivered = 0;
    device->error = 0;
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
    const struct scripted *device = plug->private_data;
    const unsigned rate = device->rate, buffer = device->buffer * sizeof(int16_t);
    static const unsigned access = SND_PCM_ACCESS_RW_INTERLEAVED, format = SND_PCM_FORMAT_S16_LE;
    int error = snd_pcm_ioplug_set_param_list(plug, SND_PCM_IOPLUG_HW_ACCESS, 1, &access);
    if (!error) error = snd_pcm_ioplug_set_param_list(plug, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_CHANNELS, 1, 1);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_RATE, rate, rate);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_BUFFER_BYTES, buffer, buffer);
    if (!error) error = snd_pcm_ioplug_set_param_minmax(plug, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 4096);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(scripted)
{
    (void)root;
    struct scripted *device = calloc(1, sizeof *device);
    if (!device) return -ENOMEM;
    device->rate = RATE;
    device->buffer = BUFFER;
    snd_config_iterator_t position, next;
    snd_config_for_each(position, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(position);
        const char *key, *text;
        long number;
        if (snd_config_get_id(entry, &key) < 0) continue;
        if (strcmp(key, "ppm") == 0 && snd_config_get_integer(entry, &number) == 0) device->ppm = number;
        if (strcmp(key, "buffer") == 0 && snd_config_get_integer(entry, &number) == 0) device->buffer = (unsigned)number;
        if (snd_config_get_string(entry, &text) < 0) continue;
        if (strcmp(key, "failures") == 0) strncpy(device->failures, text, sizeof device->failures - 1);
        if (strcmp(key, "state") == 0) strncpy(device->state, text, sizeof device->state - 1);
        if (strcmp(key, "started") == 0) strncpy(device->started_path, text, sizeof device->started_path - 1);
    }
    look(device, 0);
    if (device->is_gone || device->is_busy) {
        const int refused = device->is_gone ? -ENODEV : -EBUSY;
        free(device);
        return refused;
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
