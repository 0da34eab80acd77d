/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ring headers as functions: they have none of their own to link with. */

#include <stdlib.h>

#include "ring.h"

#define NEW(type)	((type *)calloc(1, sizeof(type)))

/* Rust gives and takes whole halves by pointer; NULL: no ring, or no memory. */
struct offsched_tx *halves_tx_new(void *words, void *data, size_t bytes, size_t size, __u16 epoch);
struct offsched_rx *halves_rx_new(void *words, void *data, size_t bytes, size_t size, __u16 epoch);
struct offsched_end *halves_end_new(const __u32 *state, void *channel,
				    const struct offsched_service_entry *service, __u16 epoch);

struct offsched_tx *halves_tx_new(void *words, void *data, size_t bytes, size_t size, __u16 epoch)
{
	struct offsched_tx *tx = NEW(struct offsched_tx);
	struct offsched_ring ring;

	if (!tx || offsched_ring_init(&ring, words, data, bytes, size)) {
		free(tx);
		return NULL;
	}
	offsched_tx_attach(tx, &ring, epoch);
	return tx;
}

struct offsched_rx *halves_rx_new(void *words, void *data, size_t bytes, size_t size, __u16 epoch)
{
	struct offsched_rx *rx = NEW(struct offsched_rx);
	struct offsched_ring ring;

	if (!rx || offsched_ring_init(&ring, words, data, bytes, size)) {
		free(rx);
		return NULL;
	}
	offsched_rx_attach(rx, &ring, epoch);
	return rx;
}

struct offsched_end *halves_end_new(const __u32 *state, void *channel,
				    const struct offsched_service_entry *service, __u16 epoch)
{
	struct offsched_end *end = NEW(struct offsched_end);

	if (!end || offsched_end_attach(end, state, channel, service, epoch)) {
		free(end);
		return NULL;
	}
	return end;
}

/* result name(parameters) { return call; } with a prototype of its own. */
#define FUNCTION(result, name, parameters, call)	\
	result name parameters;				\
	result name parameters				\
	{						\
		return call;				\
	}

#define PROCEDURE(name, parameters, call)		\
	void name parameters;				\
	void name parameters				\
	{						\
		call;					\
	}

PROCEDURE(halves_free, (void *half), free(half))

PROCEDURE(halves_tx_reattach, (struct offsched_tx *tx, __u16 epoch),
	  offsched_tx_reattach(tx, epoch))
FUNCTION(int, halves_tx_push, (struct offsched_tx *tx, const void *payload, size_t len),
	 offsched_tx_push(tx, payload, len))
FUNCTION(bool, halves_tx_publish, (struct offsched_tx *tx), offsched_tx_publish(tx))
FUNCTION(bool, halves_tx_has_room, (struct offsched_tx *tx, size_t len),
	 offsched_tx_has_room(tx, len))
FUNCTION(__u32, halves_tx_corruptions, (struct offsched_tx *tx), tx->corruptions)
FUNCTION(bool, halves_tx_sees_room, (struct offsched_tx *tx, size_t len),
	 offsched_ring_room(&tx->ring, tx->epoch, len))

PROCEDURE(halves_rx_reattach, (struct offsched_rx *rx, __u16 epoch),
	  offsched_rx_reattach(rx, epoch))
FUNCTION(int, halves_rx_next, (struct offsched_rx *rx), offsched_rx_next(rx))
FUNCTION(int, halves_rx_pop, (struct offsched_rx *rx, void *buffer, size_t size),
	 offsched_rx_pop(rx, buffer, size))
FUNCTION(int, halves_rx_skip, (struct offsched_rx *rx), offsched_rx_skip(rx))
FUNCTION(bool, halves_rx_publish, (struct offsched_rx *rx), offsched_rx_publish(rx))
FUNCTION(bool, halves_rx_has_mail, (struct offsched_rx *rx), offsched_rx_has_mail(rx))
FUNCTION(__u32, halves_rx_corruptions, (struct offsched_rx *rx), rx->corruptions)
FUNCTION(bool, halves_rx_sees_mail, (struct offsched_rx *rx),
	 offsched_ring_mail(&rx->ring, rx->epoch))

FUNCTION(int, halves_end_push, (struct offsched_end *end, const void *payload, size_t len),
	 offsched_end_push(end, payload, len))
FUNCTION(bool, halves_end_flush, (struct offsched_end *end), offsched_end_flush(end))
FUNCTION(int, halves_end_pop, (struct offsched_end *end, void *buffer, size_t size),
	 offsched_end_pop(end, buffer, size))
PROCEDURE(halves_end_release, (struct offsched_end *end), offsched_end_release(end))
FUNCTION(bool, halves_end_sleep, (struct offsched_end *end, __u32 kinds, size_t room),
	 offsched_end_sleep(end, kinds, room))
PROCEDURE(halves_end_awake, (struct offsched_end *end), offsched_end_awake(end))
