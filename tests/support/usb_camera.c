/* A V4L2 camera that is a folder, for a process that preloads this library.

   $USB_CAMERA/format   "YUYV 640 360 10": four-character code, width, height, pictures per second
   $USB_CAMERA/picture  the bytes of a picture
   $USB_CAMERA/state    plugged, busy or unplugged; read whenever it matters

   $USB_CAMERA_DEVICE is its name below /dev. It answers as the kernel's uvcvideo does: an absent
   device is not found, one that another program streams from refuses a format with EBUSY, and one
   that is unplugged wakes the reader with ENODEV. Everything else goes to the C library. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 32 /* as many as the kernel gives at most */
#define PAGE 4096u
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int camera = -1; /* its descriptor: memory that the reader maps, a stretch per buffer */
static struct { char code[5]; unsigned width, height, fps, size; } format;
static int queued[BUFFERS], waiting;
static unsigned sequence;
static struct timespec due;

static int read_file(const char *name, void *into, int room) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("USB_CAMERA"), name);
    int file = REAL(open)(path, O_RDONLY);
    int length = file < 0 ? -1 : (int)read(file, into, room);
    if (file >= 0) REAL(close)(file);
    return length;
}

static int is(const char *state) {
    char now[16] = "";
    read_file("state", now, sizeof now - 1);
    return strncmp(now, state, strlen(state)) == 0;
}

static int is_camera(const char *path) {
    const char *device = getenv("USB_CAMERA_DEVICE");
    return device && strcmp(path, device) == 0;
}

static unsigned stretch(void) { return (format.size + PAGE - 1) / PAGE * PAGE; }

static int plug(void) {
    char text[64] = "";
    if (is("unplugged")) return errno = ENOENT, -1;
    read_file("format", text, sizeof text - 1);
    if (sscanf(text, "%4s %u %u %u", format.code, &format.width, &format.height, &format.fps) != 4)
        return errno = EIO, -1;
    format.size = format.width * format.height * 2;
    camera = memfd_create("camera", 0);
    waiting = 0;
    return camera < 0 || ftruncate(camera, BUFFERS * stretch()) ? -1 : camera;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return is_camera(path) ? plug() : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int descriptor) {
    if (descriptor == camera) camera = -1;
    return REAL(close)(descriptor);
}

static int describe(struct v4l2_format *asked) {
    struct v4l2_pix_format *pix = &asked->fmt.pix;
    memset(pix, 0, sizeof *pix);
    memcpy(&pix->pixelformat, format.code, 4);
    pix->width = format.width;
    pix->height = format.height;
    pix->field = V4L2_FIELD_NONE;
    pix->bytesperline = format.width * 2;
    pix->sizeimage = format.size;
    return 0;
}

static int rate(struct v4l2_streamparm *asked) {
    asked->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    asked->parm.capture.timeperframe = (struct v4l2_fract){1, format.fps};
    return 0;
}

static int next_picture(struct v4l2_buffer *buffer) {
    struct timespec now, nap = {0, 10000000};
    while (clock_gettime(CLOCK_MONOTONIC, &now), !waiting || now.tv_sec < due.tv_sec ||
           (now.tv_sec == due.tv_sec && now.tv_nsec < due.tv_nsec)) {
        if (is("unplugged")) return errno = ENODEV, -1;
        nanosleep(&nap, NULL);
    }
    due = now;
    due.tv_nsec += 1000000000 / format.fps;
    if (due.tv_nsec >= 1000000000) due.tv_nsec -= 1000000000, due.tv_sec++;
    int index = queued[0];
    memmove(queued, queued + 1, --waiting * sizeof *queued);
    void *place = mmap(NULL, stretch(), PROT_WRITE, MAP_SHARED, camera, index * stretch());
    int used = read_file("picture", place, format.size);
    munmap(place, stretch());
    buffer->index = index;
    buffer->bytesused = used < 0 ? 0 : used;
    buffer->length = stretch();
    buffer->flags = V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    buffer->sequence = sequence++;
    return 0;
}

static int answer(unsigned long request, void *argument) {
    struct v4l2_capability *capability = argument;
    struct v4l2_buffer *buffer = argument;
    if (is("unplugged")) return errno = ENODEV, -1;
    switch (request) {
    case VIDIOC_QUERYCAP:
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->driver, "uvcvideo");
        capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    case VIDIOC_G_INPUT: return *(int *)argument = 0;
    case VIDIOC_ENUMINPUT: return ((struct v4l2_input *)argument)->index ? (errno = EINVAL, -1) : 0;
    case VIDIOC_S_FMT: return is("busy") ? (errno = EBUSY, -1) : describe(argument);
    case VIDIOC_G_FMT: return describe(argument);
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: return rate(argument);
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return waiting = 0;
    case VIDIOC_QUERYBUF:
        buffer->length = stretch();
        buffer->m.offset = buffer->index * stretch();
        return 0;
    case VIDIOC_QBUF: return queued[waiting++] = buffer->index, 0;
    case VIDIOC_STREAMON: return clock_gettime(CLOCK_MONOTONIC, &due);
    case VIDIOC_STREAMOFF: return 0;
    case VIDIOC_DQBUF: return next_picture(buffer);
    default: return errno = ENOTTY, -1; /* what a driver says to what it does not do */
    }
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (descriptor != camera || camera < 0) return REAL(ioctl)(descriptor, request, argument);
    return answer(request & 0xffffffff, argument);
}
