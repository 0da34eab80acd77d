/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Talk to services of an offloaded core: open a device, bind a service by name,
 * send and receive messages.
 *
 *	struct offsched_device *device;
 *	struct offsched_channel *channel;
 *
 *	offsched_open(&device, "/dev/offsched");
 *	offsched_bind(&channel, device, "timer");
 *	offsched_send(channel, &request, sizeof(request), OFFSCHED_FOREVER);
 *	offsched_recv(channel, &reply, sizeof(reply), 1000);
 *
 * The device is the kernel's character device or the Unix socket of a hosted
 * core; the rest is the same. Every function that returns int returns a negative
 * errno when it fails; offsched_strerror has a sentence for each:
 *
 *   -EAGAIN     no message, or no room for one, just now
 *   -ETIMEDOUT  nor in the time given
 *   -EINTR      a signal came while waiting
 *   -EMSGSIZE   the message is longer than the service takes, or not of the one
 *               size that messages of its type have; or longer than the buffer
 *               given: it is kept, and offsched_next says its length
 *   -ENXIO      no device answers at the path
 *   -EPROTO     the device has another version of the ABI than this library
 *   -ENOENT     the image has no service of that name
 *   -EBUSY      all channels of the service are taken
 *   -EPROTOTYPE its messages are of other types than offsched_bind_typed was given
 *   -EPERM      it is limited to groups that the caller is not in
 *   -ENODEV     the core does not run, or not any more the image that was bound to
 *   -ESHUTDOWN  the device closed the channel
 *   -EBADMSG    the channel's memory is damaged
 *   -ENOBUFS    the device has no handles or memory left
 *   -EREMOTEIO  the device answered what this library does not understand
 *   -EINVAL     an argument that makes no sense
 * After -ENODEV, -ESHUTDOWN and -EBADMSG unbind the channel and bind again.
 *
 * Devices and channels are one thread's at a time; different ones, as you like.
 */
#ifndef OFFSCHED_CLIENT_H
#define OFFSCHED_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Timeouts are in ms: 0 does not wait. */
#define OFFSCHED_FOREVER	(-1)

struct offsched_device;
struct offsched_channel;

/* What may be bound. */
struct offsched_service {
	char name[33];
	unsigned int clients;	/* channels: so many may be bound at a time */
	size_t max_send;	/* longest message to the service, bytes */
	size_t max_recv;	/* longest message from it, bytes */
	uint64_t send_type;	/* what messages to it are; 0: not stated */
	uint64_t recv_type;	/* what messages from it are */
	char send_name[33];	/* what they are called, as far as it fits */
	char recv_name[33];
};

/* Of several cores of the kernel's device, the first that runs. */
int offsched_open(struct offsched_device **device, const char *path);
/* The core on that CPU. A hosted device has one core, whatever its CPU. */
int offsched_open_cpu(struct offsched_device **device, const char *path, unsigned int cpu);
void offsched_close(struct offsched_device *device);

/* Fills in up to `count` services and returns how many there are. */
int offsched_services(const struct offsched_device *device, struct offsched_service *services,
		      int count);

/* The channel needs the device no more, and is free for others when offsched_unbind returns. */
int offsched_bind(struct offsched_channel **channel, const struct offsched_device *device,
		  const char *service);
/*
 * As offsched_bind, and refused with -EPROTOTYPE if the service's messages are of
 * other types. A type's identity is offsched_type of its text, which says its
 * name, each field with its offset and type, and the size:
 *
 *	struct request { uint32_t kind, id; uint64_t at[2]; };
 *	offsched_type("Request{kind@0:u32,id@4:u32,at@8:[u64;2]}24")
 *
 * with the names that the service has for them. 0 stands for any type.
 */
int offsched_bind_typed(struct offsched_channel **channel, const struct offsched_device *device,
			const char *service, uint64_t send_type, uint64_t recv_type);
uint64_t offsched_type(const char *text);
/*
 * As offsched_bind_typed, waiting for a channel where all are taken; -EBUSY if
 * none became free in the time given. Who comes first is not settled.
 */
int offsched_bind_timeout(struct offsched_channel **channel, const struct offsched_device *device,
			  const char *service, uint64_t send_type, uint64_t recv_type,
			  int timeout_ms);
void offsched_unbind(struct offsched_channel *channel);

/*
 * Sends one message; waits for room. -ENODEV also if the message went and the
 * core was gone right after it: nobody answers it.
 */
int offsched_send(struct offsched_channel *channel, const void *message, size_t len,
		  int timeout_ms);
/* Receives one message and returns its length; waits for one. */
int offsched_recv(struct offsched_channel *channel, void *buffer, size_t size, int timeout_ms);
/* Length of the next message, which stays. */
int offsched_next(struct offsched_channel *channel);

/*
 * Many messages at the cost of one: sends from the front, or receives into the
 * front of the array (and sets the lengths), as many as go without waiting;
 * returns how many. An error only if not even the first went.
 */
int offsched_send_batch(struct offsched_channel *channel, const struct iovec *messages, int count);
int offsched_recv_batch(struct offsched_channel *channel, struct iovec *messages, int count);

/*
 * For an event loop: POLLIN on this descriptor means that something happened.
 * Before each wait call offsched_poll_prepare. 1: wait. 0: do not, there is a
 * message already. An error: the channel is of no use any more.
 */
int offsched_poll_fd(const struct offsched_channel *channel);
int offsched_poll_prepare(struct offsched_channel *channel);

/* What an error means and what to do, in a sentence. Takes either sign. */
const char *offsched_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
