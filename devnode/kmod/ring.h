/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A channel's rings and its application's end, in C, for the kernel module and
 * the C library alike. The protocol is the one of executive/abi/src/ring and
 * .../channel, described there, to the word:
 *   ring_words.h   the shared words          (ring/words.rs, ring/frame.rs)
 *   ring_halves.h  who sends, who receives   (ring/producer.rs, ring/consumer.rs)
 *   ring.h         the application's end     (channel/end.rs)
 *
 *   producer's half (private)      shared                       consumer's half (private)
 *   write, last, read seen   --->  tail: epoch | last | write -->  read, write and last seen
 *                            <---  head: epoch |        read  <--
 *                                  data: 8-byte words
 *
 * A message lies behind a header with its length, unless the service states its type and
 * that has bytes: then all have one size, and there are no headers.
 *
 * What was published last lies beside tail, too, if it is short: see
 * executive/abi/src/ring.rs.
 *
 * What the peer wrote is believed only if an honest peer could have written it;
 * else the half is corrupt (-EBADMSG) until it is attached to another epoch.
 * Whatever the peer does: nothing is touched outside the ring, no loop is longer
 * than the message, and every index, length and word of a message is read once.
 *
 * A half is one thread's at a time; its users bring the lock. Errors:
 *   -EAGAIN     nothing there, or no room now
 *   -EMSGSIZE   of a length that the ring never takes; longer than the buffer given (it stays)
 *   -ESHUTDOWN  the channel is not open in this end's epoch
 *   -EBADMSG    the peer damaged the ring; the channel needs a reset
 */
#ifndef OFFSCHED_RING_H
#define OFFSCHED_RING_H

#include "ring_halves.h"

/* Offsets in a channel's first page; the rings' data follow it. */
#define OFFSCHED_CHANNEL_CORE_WANTS	offsetof(struct offsched_control_page, core.wants)
#define OFFSCHED_CHANNEL_APP_WANTS	offsetof(struct offsched_control_page, app.wants)
#define OFFSCHED_CHANNEL_TO_CORE	offsetof(struct offsched_control_page, to_core)
#define OFFSCHED_CHANNEL_FROM_CORE	offsetof(struct offsched_control_page, from_core)
#define OFFSCHED_CHANNEL_DATA		sizeof(struct offsched_control_page)

/* The application's end of a channel. */
struct offsched_end {
	struct offsched_tx tx;
	struct offsched_rx rx;
	const __u32 *state;	/* the channel's state word, which this side believes */
	__u32 *own;		/* wake words */
	__u32 *other;
	__u16 epoch;
};

/* Data bytes of each ring of a service's channels: whole pages, at least one. */
static inline size_t offsched_ring_bytes(const struct offsched_service_entry *service)
{
	size_t pages = ((size_t)service->ring_bytes + OFFSCHED_PAGE_BYTES - 1) / OFFSCHED_PAGE_BYTES;

	return (pages ? pages : 1) * OFFSCHED_PAGE_BYTES;
}

/*
 * Attaches to a channel of `service` that was opened in `epoch`: its page at
 * `channel`, then the data of the ring to the core and of the one from it.
 * -EINVAL: too small for the service's messages.
 */
static inline int offsched_end_attach(struct offsched_end *end, const __u32 *state, void *channel,
				      const struct offsched_service_entry *service, __u16 epoch)
{
	char *page = channel, *data = page + OFFSCHED_CHANNEL_DATA;
	size_t bytes = offsched_ring_bytes(service);
	struct offsched_ring to_core, from_core;

	if (offsched_ring_init(&to_core, page + OFFSCHED_CHANNEL_TO_CORE, data, bytes,
			       service->rx_type.id ? service->rx_size : 0) ||
	    offsched_ring_init(&from_core, page + OFFSCHED_CHANNEL_FROM_CORE, data + bytes, bytes,
			       service->tx_type.id ? service->tx_size : 0))
		return -EINVAL;
	offsched_tx_attach(&end->tx, &to_core, epoch);
	offsched_rx_attach(&end->rx, &from_core, epoch);
	end->state = state;
	end->own = (__u32 *)(page + OFFSCHED_CHANNEL_APP_WANTS);
	end->other = (__u32 *)(page + OFFSCHED_CHANNEL_CORE_WANTS);
	end->epoch = epoch;
	return 0;
}

/* The state word of a channel that is open in `epoch`: bits 31..16 epoch, 15..0 phase. */
static inline bool offsched_end_is_open(const struct offsched_end *end)
{
	return end->epoch && offsched_load_acquire(end->state) == ((__u32)end->epoch << 16 | 1);
}

/*
 * After a publication: does the other side want its doorbell for `kind`? Takes
 * the request back if so: the caller rings. What is taken back may be another
 * request than the one seen; it is answered too, or it would be lost.
 */
static inline bool offsched_end_wanted(struct offsched_end *end, __u32 kind)
{
	offsched_fence();
	return (offsched_load(end->other) & kind) && offsched_swap(end->other, 0);
}

/* A reset during a call can make an honest peer's words look impossible. */
static inline int offsched_end_unless_reset(const struct offsched_end *end, int error)
{
	return error == -EBADMSG && !offsched_end_is_open(end) ? -ESHUTDOWN : error;
}

/* Writes one frame; offsched_end_flush publishes, once for many. */
static inline int offsched_end_push(struct offsched_end *end, const void *payload, size_t len)
{
	if (!offsched_end_is_open(end))
		return -ESHUTDOWN;
	return offsched_end_unless_reset(end, offsched_tx_push(&end->tx, payload, len));
}

/* True: ring the core. */
static inline bool offsched_end_flush(struct offsched_end *end)
{
	return offsched_tx_publish(&end->tx) && offsched_end_wanted(end, OFFSCHED_WAKE_MAIL);
}

/* The next frame's length; it stays. */
static inline int offsched_end_next(struct offsched_end *end)
{
	if (!offsched_end_is_open(end))
		return -ESHUTDOWN;
	return offsched_end_unless_reset(end, offsched_rx_next(&end->rx));
}

/* As offsched_rx_pop; offsched_end_release gives the room back, once for many. */
static inline int offsched_end_pop(struct offsched_end *end, void *buffer, size_t size)
{
	if (!offsched_end_is_open(end))
		return -ESHUTDOWN;
	return offsched_end_unless_reset(end, offsched_rx_pop(&end->rx, buffer, size));
}

/*
 * After a receive: gives room back, if it is time. The core never waits for
 * room, so it is not rung. Somebody else may be sending.
 */
static inline void offsched_end_release(struct offsched_end *end)
{
	(void)offsched_rx_publish_if_due(&end->rx);
}

/* Takes the request for the doorbell back: this side looks by itself again. */
static inline void offsched_end_awake(struct offsched_end *end)
{
	(void)offsched_swap(end->own, 0);
}

/*
 * Asks the core for the doorbell and looks once more. `kinds`: OFFSCHED_WAKE_*;
 * `room` bytes, if for room. True: nothing there, so sleep, and call
 * offsched_end_awake afterwards. False: there is something to do, and nothing
 * is asked for; or the channel is closed, and the request stands.
 */
static inline bool offsched_end_sleep(struct offsched_end *end, __u32 kinds, size_t room)
{
	bool now;

	(void)offsched_swap(end->own, kinds);
	offsched_fence();
	if (!offsched_end_is_open(end))
		return false;
	now = end->tx.corrupt ||
	      ((kinds & OFFSCHED_WAKE_MAIL) && offsched_rx_has_mail(&end->rx)) ||
	      ((kinds & OFFSCHED_WAKE_ROOM) &&
	       (offsched_tx_has_room(&end->tx, room) || end->tx.corrupt));
	if (now)
		offsched_end_awake(end);
	return !now;
}

#endif
