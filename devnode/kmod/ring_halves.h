/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The halves of a ring: who sends and who receives. See ring.h.
 */
#ifndef OFFSCHED_RING_HALVES_H
#define OFFSCHED_RING_HALVES_H

#include "ring_words.h"

/* The sending half. */
struct offsched_tx {
	struct offsched_ring ring;
	struct offsched_indices own;
	__u32 published;	/* next word to write, as last published */
	__u32 read;		/* the consumer's index as last seen and found possible */
	__u32 corruptions;	/* times that a peer was caught, over all epochs */
	__u32 shown_to;		/* where what lies beside the index ends; OFFSCHED_NOTHING */
	__u16 epoch;
	bool corrupt;
};

/* Nothing lies beside the index: no frame ends at the ring's first word. */
#define OFFSCHED_NOTHING	0

/* Starts anew in an epoch (not 0), forgetting what was not published and a corrupt peer. */
static inline void offsched_tx_reattach(struct offsched_tx *tx, __u16 epoch)
{
	tx->own = (struct offsched_indices){ 0, 0 };
	tx->published = 0;
	tx->read = 0;
	tx->epoch = epoch;
	tx->shown_to = ~(__u32)0;	/* of an epoch before, maybe */
	tx->corrupt = false;
}

static inline void offsched_tx_attach(struct offsched_tx *tx, const struct offsched_ring *ring,
				      __u16 epoch)
{
	tx->ring = *ring;
	tx->corruptions = 0;
	offsched_tx_reattach(tx, epoch);
}

/* Looks at the consumer: it may only have moved forward, and not past what was written. */
static inline void offsched_tx_refresh(struct offsched_tx *tx)
{
	struct offsched_indices seen =
		offsched_unpack(offsched_load_acquire(tx->ring.head), tx->epoch);
	__u32 write = tx->own.at, read = tx->read;
	bool possible;

	if (write < read)
		possible = (seen.at >= read && seen.at <= tx->own.last) || seen.at <= write;
	else
		possible = seen.at >= read && seen.at <= write;
	if (possible && seen.last == 0) {
		tx->read = seen.at;
	} else {
		tx->corrupt = true;
		tx->corruptions++;
	}
}

/* As offsched_place, with a look at the consumer if there seems to be no room. */
static inline int offsched_tx_place(struct offsched_tx *tx, size_t need)
{
	int start = offsched_place(&tx->ring, tx->own.at, tx->read, need);

	if (start >= 0)
		return start;
	offsched_tx_refresh(tx);
	return tx->corrupt ? -1 : offsched_place(&tx->ring, tx->own.at, tx->read, need);
}

/* True: frames were written that are not published. */
static inline bool offsched_tx_unpublished(const struct offsched_tx *tx)
{
	return tx->own.at != tx->published;
}

/* Writes one frame without publishing it: offsched_tx_publish follows, once for many. */
static inline int offsched_tx_push(struct offsched_tx *tx, const void *payload, size_t len)
{
	const char *from = payload;
	size_t need;
	__u64 *to, word;
	int start;

	if (tx->corrupt)
		return -EBADMSG;
	if (!offsched_ring_takes(&tx->ring, len))
		return -EMSGSIZE;
	need = offsched_frame_words(&tx->ring, len);
	start = offsched_tx_place(tx, need);
	if (start < 0)
		return tx->corrupt ? -EBADMSG : -EAGAIN;
	to = tx->ring.data + start;
	if (!tx->ring.size)
		offsched_store(to++, (__u64)len);
	for (; len >= sizeof(word); to++, from += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, from, sizeof(word));
		offsched_store(to, word);
	}
	if (len) {
		word = 0;
		memcpy(&word, from, len);
		offsched_store(to, word);
	}
	if (need <= OFFSCHED_NEWEST_WORDS && !offsched_tx_unpublished(tx)) {
		/* The first of a publication, and often the only one: shown at once. */
		offsched_show_newest(&tx->ring, tx->epoch, (__u32)start, (__u32)need);
		tx->shown_to = (__u32)start + (__u32)need;
	}
	if ((__u32)start < tx->own.at)
		tx->own.last = tx->own.at;
	tx->own.at = (__u32)start + (__u32)need;
	return 0;
}

/*
 * Shows what was written since `before` beside the index, if it is short; else
 * nothing is there any more.
 */
static inline void offsched_tx_show_newest(struct offsched_tx *tx, __u32 before)
{
	/* What goes round the end counts as long. */
	__u32 count = tx->own.at - before;

	if (count <= OFFSCHED_NEWEST_WORDS) {
		offsched_show_newest(&tx->ring, tx->epoch, before, count);
		tx->shown_to = tx->own.at;
	} else if (tx->shown_to != OFFSCHED_NOTHING) {
		offsched_hide_newest(&tx->ring);
		tx->shown_to = OFFSCHED_NOTHING;
	}
}

/* Makes every frame pushed so far visible to the peer, in one store. True if there were any. */
static inline bool offsched_tx_publish(struct offsched_tx *tx)
{
	if (!offsched_tx_unpublished(tx))
		return false;
	if (tx->shown_to != tx->own.at)
		offsched_tx_show_newest(tx, tx->published);
	tx->published = tx->own.at;
	offsched_store_release(tx->ring.tail,
			       offsched_pack(tx->epoch, tx->own.at, tx->own.last));
	return true;
}

/* True if a payload of `len` bytes would go in now. */
static inline bool offsched_tx_has_room(struct offsched_tx *tx, size_t len)
{
	if (tx->corrupt || !offsched_ring_takes(&tx->ring, len))
		return false;
	return offsched_tx_place(tx, offsched_frame_words(&tx->ring, len)) >= 0;
}

/* The receiving half. */
struct offsched_rx {
	struct offsched_ring ring;
	struct offsched_indices peer;	/* as last seen and found possible */
	__u32 read;
	__u32 published;
	__u32 corruptions;
	__u16 epoch;
	bool corrupt;
};

/* As offsched_tx_reattach. */
static inline void offsched_rx_reattach(struct offsched_rx *rx, __u16 epoch)
{
	rx->peer = (struct offsched_indices){ 0, 0 };
	rx->read = 0;
	rx->published = 0;
	rx->epoch = epoch;
	rx->corrupt = false;
}

static inline void offsched_rx_attach(struct offsched_rx *rx, const struct offsched_ring *ring,
				      __u16 epoch)
{
	rx->ring = *ring;
	rx->corruptions = 0;
	offsched_rx_reattach(rx, epoch);
}

static inline void offsched_rx_blame(struct offsched_rx *rx)
{
	rx->corrupt = true;
	rx->corruptions++;
}

/*
 * Words to read in one piece, from rx->read, as far as the producer is known.
 * At the end of the upper piece goes on at the start of the ring.
 */
static inline __u32 offsched_rx_span(struct offsched_rx *rx)
{
	if (rx->peer.at < rx->read) {
		if (rx->read < rx->peer.last)
			return rx->peer.last - rx->read;
		rx->read = 0;
	}
	return rx->peer.at - rx->read;
}

/*
 * Looks at the producer: from where it was, it may have moved forward within
 * the ring, or gone round once, leaving `last` where it had been, but never up
 * to `read`.
 */
static inline void offsched_rx_refresh(struct offsched_rx *rx)
{
	struct offsched_indices seen =
		offsched_unpack(offsched_load_acquire(rx->ring.tail), rx->epoch);
	__u32 before = rx->peer.at, words = rx->ring.words;
	bool possible;

	if (before < rx->read)
		possible = seen.at >= before && seen.at < rx->read && seen.last == rx->peer.last;
	else if (seen.at < rx->read)
		possible = seen.last >= before && seen.last <= words;
	else
		possible = seen.at >= before && seen.at <= words;
	if (possible)
		rx->peer = seen;
	else
		offsched_rx_blame(rx);
}

/* As offsched_rx_span, with a look at the producer if nothing was known to be there. */
static inline __u32 offsched_rx_find(struct offsched_rx *rx)
{
	__u32 span = offsched_rx_span(rx);

	if (span)
		return span;
	offsched_rx_refresh(rx);
	return rx->corrupt ? 0 : offsched_rx_span(rx);
}

/* True if a frame waits, or the peer was caught, which offsched_rx_pop then tells. */
static inline bool offsched_rx_has_mail(struct offsched_rx *rx)
{
	return rx->corrupt || offsched_rx_find(rx) || rx->corrupt;
}

/*
 * The next frame's length in bytes; it stays. Its payload is found at `from`: beside
 * the index if it lies there, copied to `copy`, and else in the data.
 */
static inline int offsched_rx_look(struct offsched_rx *rx, __u64 copy[OFFSCHED_NEWEST_WORDS],
				   const __u64 **from)
{
	__u32 span;
	__u64 len;

	if (rx->corrupt)
		return -EBADMSG;
	span = offsched_rx_find(rx);
	if (!span)
		return rx->corrupt ? -EBADMSG : -EAGAIN;
	*from = rx->ring.data + rx->read;
	if (offsched_newest(&rx->ring, rx->epoch, rx->read, span, copy))
		*from = copy;
	len = rx->ring.size ? rx->ring.size : offsched_load((*from)++);
	if (len > offsched_max_frame(&rx->ring) || offsched_frame_words(&rx->ring, len) > span) {
		offsched_rx_blame(rx);
		return -EBADMSG;
	}
	return (int)len;
}

/* The next frame's length in bytes; it stays. */
static inline int offsched_rx_next(struct offsched_rx *rx)
{
	__u64 copy[OFFSCHED_NEWEST_WORDS];
	const __u64 *from;

	return offsched_rx_look(rx, copy, &from);
}

/*
 * Takes the next frame into `buffer` and returns its length, without giving its
 * room back: offsched_rx_publish follows, once for many.
 */
static inline int offsched_rx_pop(struct offsched_rx *rx, void *buffer, size_t size)
{
	__u64 copy[OFFSCHED_NEWEST_WORDS], word;
	const __u64 *from;
	char *to = buffer;
	size_t rest;
	int len = offsched_rx_look(rx, copy, &from);

	if (len < 0)
		return len;
	rest = (size_t)len;
	if (rest > size)
		return -EMSGSIZE;
	for (; rest >= sizeof(word); from++, to += sizeof(word), rest -= sizeof(word)) {
		word = offsched_load(from);
		memcpy(to, &word, sizeof(word));
	}
	if (rest) {
		word = offsched_load(from);
		memcpy(to, &word, rest);
	}
	rx->read += (__u32)offsched_frame_words(&rx->ring, (size_t)len);
	return len;
}

/* Drops the next frame unread and returns its length; as offsched_rx_pop otherwise. */
static inline int offsched_rx_skip(struct offsched_rx *rx)
{
	int len = offsched_rx_next(rx);

	if (len >= 0)
		rx->read += (__u32)offsched_frame_words(&rx->ring, (size_t)len);
	return len;
}

/* Gives the room of every frame taken so far back, in one store. True if there were any. */
static inline bool offsched_rx_publish(struct offsched_rx *rx)
{
	if (rx->read == rx->published)
		return false;
	rx->published = rx->read;
	offsched_store_release(rx->ring.head, offsched_pack(rx->epoch, rx->read, 0));
	return true;
}

/*
 * As offsched_rx_publish, if it is worth while: when nothing more is known to be
 * there, or a quarter of the ring was taken since the last time. Otherwise the
 * room waits: a peer that is short of it has frames here still to be taken.
 */
static inline bool offsched_rx_publish_if_due(struct offsched_rx *rx)
{
	__u32 words = rx->ring.words;
	__u32 taken = rx->read < rx->published ? words : rx->read - rx->published;
	bool more = offsched_rx_span(rx);

	return (!more || taken >= words / 4) && offsched_rx_publish(rx);
}

#endif
