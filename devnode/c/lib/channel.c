/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A bound channel. */

#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "offsched_client.h"
#include "ring.h"

/*
 * Fruitless calls in a row after which the device itself is asked whether it
 * lives: a program that was killed outright leaves "running" in the header.
 */
#define FRUITLESS_MAX	4096

struct offsched_channel {
	const struct node *node;
	struct region region;
	struct node_grant grant;
	struct offsched_end end;
	size_t max_send;
	bool one_size;		/* the service states its messages' type: all have max_send bytes */
	unsigned int fruitless;
};

/* ---- binding ---- */

/* The end in the memory granted. -EREMOTEIO: that is no channel of that service. */
static int channel_attach(struct offsched_channel *channel)
{
	const struct node_grant *grant = &channel->grant;
	struct offsched_service_entry entry;

	if (grant->service >= channel->region.service_count ||
	    grant->channel >= channel->region.channel_count ||
	    !grant->channel_epoch || grant->channel_epoch > OFFSCHED_EPOCH_MAX)
		return -EREMOTEIO;
	/* What is checked is what is used. */
	entry = channel->region.services[grant->service];
	if (grant->pages.bytes != OFFSCHED_CHANNEL_DATA + 2 * offsched_ring_bytes(&entry))
		return -EREMOTEIO;
	channel->max_send = entry.rx_size;
	channel->one_size = entry.rx_type.id != 0;
	if (offsched_end_attach(&channel->end, &channel->region.channels[grant->channel].word,
				grant->pages.at, &entry, (__u16)grant->channel_epoch))
		return -EREMOTEIO;
	return 0;
}

static int channel_bind(struct offsched_channel *channel, const struct offsched_device *device,
			struct node_ask *ask)
{
	int error;

	channel->node = device->node;
	/* Anew: the core may have been started again since the device was opened. */
	error = region_map(&channel->region, channel->node, device->path, ask);
	if (error)
		return error;
	error = channel->node->bind(device->path, ask, &channel->grant);
	if (error) {
		region_unmap(&channel->region);
		return error;
	}
	error = channel_attach(channel);
	if (error) {
		channel->node->release(&channel->grant);
		region_unmap(&channel->region);
	}
	return error;
}

int offsched_bind(struct offsched_channel **channel, const struct offsched_device *device,
		  const char *service)
{
	return offsched_bind_timeout(channel, device, service, 0, 0, 0);
}

int offsched_bind_typed(struct offsched_channel **channel, const struct offsched_device *device,
			const char *service, uint64_t send_type, uint64_t recv_type)
{
	return offsched_bind_timeout(channel, device, service, send_type, recv_type, 0);
}

int offsched_bind_timeout(struct offsched_channel **channel, const struct offsched_device *device,
			  const char *service, uint64_t send_type, uint64_t recv_type,
			  int timeout_ms)
{
	struct node_ask ask = {
		.send_type = send_type, .recv_type = recv_type, .wait_ms = timeout_ms,
	};
	struct offsched_channel *bound;
	int error;

	if (!channel || !device || !service)
		return -EINVAL;
	if (!*service || strlen(service) > sizeof(ask.name))
		return -ENOENT;
	memcpy(ask.name, service, strlen(service));
	ask.cpu = device->cpu;
	bound = calloc(1, sizeof(*bound));
	if (!bound)
		return -ENOMEM;
	error = channel_bind(bound, device, &ask);
	if (error) {
		free(bound);
		return error;
	}
	*channel = bound;
	return 0;
}

void offsched_unbind(struct offsched_channel *channel)
{
	if (!channel)
		return;
	channel->node->release(&channel->grant);
	region_unmap(&channel->region);
	free(channel);
}

/* ---- waiting ---- */

/* 0 while the core runs the image that was bound to. */
static int channel_check(const struct offsched_channel *channel)
{
	return region_runs(&channel->region, channel->grant.core_epoch) ? 0 : -ENODEV;
}

/* What a refusal of the ring's means, now and then asking the device too. */
static int channel_refusal(struct offsched_channel *channel, int error)
{
	int gone = channel_check(channel);

	if (error == -EBADMSG || error == -EMSGSIZE || error == -EINVAL)
		return error;
	if (!gone && error == -EAGAIN && ++channel->fruitless >= FRUITLESS_MAX) {
		channel->fruitless = 0;
		gone = channel->node->gone(&channel->grant) ? -ENODEV : 0;
	}
	return gone ? gone : error;
}

static void channel_ring_if(const struct offsched_channel *channel, bool asked)
{
	if (asked)
		channel->node->ring(&channel->grant);
}

/* Sleeps until the core rings. 0: it may have; else a negative errno. */
static int channel_sleep(const struct offsched_channel *channel, long long deadline, short events)
{
	const struct node_grant *grant = &channel->grant;
	struct pollfd wait[2] = {
		{ .fd = grant->wake, .events = events },
		{ .fd = grant->handle == grant->wake ? -1 : grant->handle, .events = POLLIN },
	};
	long long left = deadline < 0 ? -1 : deadline - node_now_ms();
	int ready;

	if (deadline >= 0 && left <= 0)
		return -ETIMEDOUT;
	ready = poll(wait, 2, left > INT_MAX ? INT_MAX : (int)left);
	if (ready < 0)
		return -errno;
	if (wait[1].revents || (wait[0].revents & (POLLHUP | POLLERR)))
		return -ENODEV;
	return ready || left > INT_MAX ? 0 : -ETIMEDOUT;
}

/* Waits for mail, or room for `room` bytes. 0: look again; else a negative errno. */
static int channel_wait(struct offsched_channel *channel, long long deadline, __u32 kind,
			size_t room)
{
	/* An eventfd only ever becomes readable; the kernel's handle tells room from mail. */
	bool one_fd = channel->grant.wake == channel->grant.handle;
	short events = one_fd && kind == OFFSCHED_WAKE_ROOM ? POLLOUT : POLLIN;
	int error = 0, gone;

	if (offsched_end_sleep(&channel->end, kind, room))
		error = channel_sleep(channel, deadline, events);
	offsched_end_awake(&channel->end);
	channel->node->hush(&channel->grant);
	gone = channel_check(channel);
	return gone ? gone : error;
}

/* ---- messages ---- */

/* The core would throw a message of another size away without a word. */
static bool channel_fits(const struct offsched_channel *channel, size_t len)
{
	return len == channel->max_send || (len < channel->max_send && !channel->one_size);
}

static int channel_send(struct offsched_channel *channel, const void *message, size_t len)
{
	int error = offsched_end_push(&channel->end, message, len);

	if (error)
		return channel_refusal(channel, error);
	channel->fruitless = 0;
	channel_ring_if(channel, offsched_end_flush(&channel->end));
	return channel_check(channel);
}

int offsched_send(struct offsched_channel *channel, const void *message, size_t len,
		  int timeout_ms)
{
	long long deadline = node_deadline(timeout_ms);
	int error, waited = 0;

	if (!channel || (len && !message))
		return -EINVAL;
	if (!channel_fits(channel, len))
		return -EMSGSIZE;
	for (;;) {
		error = channel_send(channel, message, len);
		if (error != -EAGAIN || !timeout_ms)
			return error;
		if (waited)
			return waited;
		waited = channel_wait(channel, deadline, OFFSCHED_WAKE_ROOM, len);
		if (waited && waited != -ETIMEDOUT)
			return waited;
	}
}

static int channel_recv(struct offsched_channel *channel, void *buffer, size_t size)
{
	int len = offsched_end_pop(&channel->end, buffer, size);

	if (len < 0)
		return channel_refusal(channel, len);
	channel->fruitless = 0;
	offsched_end_release(&channel->end);
	return len;
}

int offsched_recv(struct offsched_channel *channel, void *buffer, size_t size, int timeout_ms)
{
	long long deadline = node_deadline(timeout_ms);
	int len, waited = 0;

	if (!channel || (size && !buffer))
		return -EINVAL;
	for (;;) {
		len = channel_recv(channel, buffer, size);
		if (len != -EAGAIN || !timeout_ms)
			return len;
		/* Once more after the time was over: it may have come meanwhile. */
		if (waited)
			return waited;
		waited = channel_wait(channel, deadline, OFFSCHED_WAKE_MAIL, 0);
		if (waited && waited != -ETIMEDOUT)
			return waited;
	}
}

int offsched_next(struct offsched_channel *channel)
{
	int len;

	if (!channel)
		return -EINVAL;
	len = offsched_end_next(&channel->end);
	return len < 0 ? channel_refusal(channel, len) : len;
}

/* A buffer that is none. */
static bool batch_bad(const struct iovec *message)
{
	return message->iov_len && !message->iov_base;
}

int offsched_send_batch(struct offsched_channel *channel, const struct iovec *messages, int count)
{
	int sent = 0, error = 0;

	if (!channel || count < 0 || (count && !messages))
		return -EINVAL;
	while (sent < count && !error) {
		const struct iovec *message = &messages[sent];

		error = batch_bad(message) ? -EINVAL :
			!channel_fits(channel, message->iov_len) ? -EMSGSIZE :
			offsched_end_push(&channel->end, message->iov_base, message->iov_len);
		sent += !error;
	}
	channel_ring_if(channel, offsched_end_flush(&channel->end));
	if (!sent && error)
		return channel_refusal(channel, error);
	channel->fruitless = 0;
	error = channel_check(channel);
	return error ? error : sent;
}

int offsched_recv_batch(struct offsched_channel *channel, struct iovec *messages, int count)
{
	int received = 0, len = 0;

	if (!channel || count < 0 || (count && !messages))
		return -EINVAL;
	while (received < count) {
		struct iovec *message = &messages[received];

		len = batch_bad(message) ? -EINVAL :
		      offsched_end_pop(&channel->end, message->iov_base, message->iov_len);
		if (len < 0)
			break;
		message->iov_len = (size_t)len;
		received++;
	}
	offsched_end_release(&channel->end);
	if (!received && len < 0)
		return channel_refusal(channel, len);
	channel->fruitless = 0;
	return received;
}

/* ---- event loops ---- */

int offsched_poll_fd(const struct offsched_channel *channel)
{
	return channel ? channel->grant.wake : -EINVAL;
}

int offsched_poll_prepare(struct offsched_channel *channel)
{
	int error;

	if (!channel)
		return -EINVAL;
	channel->node->hush(&channel->grant);
	if (!offsched_end_sleep(&channel->end, OFFSCHED_WAKE_MAIL, 0) &&
	    offsched_end_is_open(&channel->end))
		return 0;
	error = channel_check(channel);
	if (!error && !offsched_end_is_open(&channel->end))
		error = -ESHUTDOWN;
	if (!error && channel->node->gone(&channel->grant))
		error = -ENODEV;
	return error ? error : 1;
}
