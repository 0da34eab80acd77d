/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The shared words of a ring: how they are reached from the kernel and from user
 * space, and how indices are packed into them. See ring.h.
 */
#ifndef OFFSCHED_RING_WORDS_H
#define OFFSCHED_RING_WORDS_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>

/* virt_*: the peer is no CPU of this kernel, whatever number of them it has. */
#define offsched_load(word)		READ_ONCE(*(word))
#define offsched_store(word, value)	WRITE_ONCE(*(word), value)
#define offsched_load_acquire(word)	virt_load_acquire(word)
#define offsched_store_release(word, value) virt_store_release(word, value)
#define offsched_swap(word, value)	xchg(word, value)
#define offsched_fence()		virt_mb()
#define offsched_fence_stores()		virt_wmb()
#define offsched_fence_loads()		virt_rmb()

#else

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* C11's atomics by the names that take plain words, since the words are the memory's, not ours. */
#define offsched_load(word)		__atomic_load_n(word, __ATOMIC_RELAXED)
#define offsched_store(word, value)	__atomic_store_n(word, value, __ATOMIC_RELAXED)
#define offsched_load_acquire(word)	__atomic_load_n(word, __ATOMIC_ACQUIRE)
#define offsched_store_release(word, value) __atomic_store_n(word, value, __ATOMIC_RELEASE)
#define offsched_swap(word, value)	__atomic_exchange_n(word, value, __ATOMIC_RELAXED)
#define offsched_fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define offsched_fence_stores()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define offsched_fence_loads()		__atomic_thread_fence(__ATOMIC_ACQUIRE)

#endif

#include "offsched_abi.h"

#define OFFSCHED_RING_INDEX_BITS	24
#define OFFSCHED_RING_INDEX_MASK	((1u << OFFSCHED_RING_INDEX_BITS) - 1)

/* Words of a cache line. */
#define OFFSCHED_LINE_WORDS		8

/* One ring: where its shared words are. */
struct offsched_ring {
	__u64 *tail;		/* the producer writes it, and what lies beside it: */
	__u64 *newest_of;	/* of which words the copy is one, or becomes one; 0: of none */
	__u64 *newest;		/* what was published last, or is about to be, if it is short */
	__u64 *head;		/* the consumer writes it */
	__u64 *data;
	__u32 words;		/* of data */
	__u32 size;		/* bytes of every message; 0: any, each behind a header with its length */
	__u32 gap;		/* words that stay free between a writer and the reader before it */
};

/* What the index words say. */
struct offsched_indices {
	__u32 at;		/* next word to write, or to read */
	__u32 last;		/* end of the upper piece, while write < read */
};

/* The longest payload in `words` of data: its frame fits the emptied ring wherever the indices stand. */
static inline size_t offsched_longest(size_t words)
{
	return ((words - 1) / 2 - 1) * OFFSCHED_WORD_BYTES;
}

/* Words that a frame takes: its header, if it has one, and the padded payload. */
static inline size_t offsched_frame_words(const struct offsched_ring *ring, size_t payload)
{
	return !ring->size + payload / OFFSCHED_WORD_BYTES + (payload % OFFSCHED_WORD_BYTES != 0);
}

/*
 * `words`: a struct offsched_ring_words; `size`: bytes of every message, 0: any.
 * -EINVAL: too little data for a ring, or for such messages.
 */
static inline int offsched_ring_init(struct offsched_ring *ring, void *words, void *data,
				     size_t bytes, size_t size)
{
	struct offsched_ring_words *shared = words;
	size_t count = bytes / OFFSCHED_WORD_BYTES;

	if (count > OFFSCHED_RING_WORDS_MAX)
		count = OFFSCHED_RING_WORDS_MAX;
	if (count < OFFSCHED_RING_WORDS_MIN || size > offsched_longest(count))
		return -EINVAL;
	ring->tail = &shared->producer.tail;
	ring->newest_of = &shared->producer.newest_of;
	ring->newest = shared->producer.newest;
	ring->head = &shared->consumer.head;
	ring->data = data;
	ring->words = (__u32)count;
	ring->size = (__u32)size;
	/* A cache line, if the longest message leaves so much: see executive/abi/src/ring/words.rs. */
	ring->gap = 1;
	if (size && 2 * offsched_frame_words(ring, size) + OFFSCHED_LINE_WORDS <= count)
		ring->gap = OFFSCHED_LINE_WORDS;
	return 0;
}

/* The longest payload. */
static inline size_t offsched_max_frame(const struct offsched_ring *ring)
{
	return ring->size ? ring->size : offsched_longest(ring->words);
}

/* True if payloads of `len` bytes can be in the ring: all have one size, or any from nothing on. */
static inline bool offsched_ring_takes(const struct offsched_ring *ring, size_t len)
{
	return ring->size <= len && len <= offsched_max_frame(ring);
}

static inline __u64 offsched_pack(__u16 epoch, __u32 at, __u32 last)
{
	return (__u64)epoch << (2 * OFFSCHED_RING_INDEX_BITS) |
	       (__u64)last << OFFSCHED_RING_INDEX_BITS | at;
}

/* A word of another epoch reads as an empty ring's. */
static inline struct offsched_indices offsched_unpack(__u64 word, __u16 epoch)
{
	struct offsched_indices indices = { 0, 0 };

	if (word >> (2 * OFFSCHED_RING_INDEX_BITS) == epoch) {
		indices.at = word & OFFSCHED_RING_INDEX_MASK;
		indices.last = (word >> OFFSCHED_RING_INDEX_BITS) & OFFSCHED_RING_INDEX_MASK;
	}
	return indices;
}

/* Nothing lies beside the index. */
static inline void offsched_hide_newest(const struct offsched_ring *ring)
{
	offsched_store(ring->newest_of, (__u64)0);
}

/*
 * Copies the `count` words (few) that are about to be published to beside the
 * index. Nobody takes them from there before they are published.
 */
static inline void offsched_show_newest(const struct offsched_ring *ring, __u16 epoch,
					__u32 start, __u32 count)
{
	__u32 at;

	offsched_store(ring->newest_of, offsched_pack(epoch, start, count));
	/* Who sees one of the words below sees this, or a later value. */
	offsched_fence_stores();
	for (at = 0; at < count; at++)
		offsched_store(ring->newest + at, offsched_load(ring->data + start + at));
}

/* Takes the copy beside the index, if it is one of `count` words from `start`. */
static inline bool offsched_newest(const struct offsched_ring *ring, __u16 epoch, __u32 start,
				   __u32 count, __u64 words[OFFSCHED_NEWEST_WORDS])
{
	__u64 of = offsched_pack(epoch, start, count);
	__u32 at;

	if (count > OFFSCHED_NEWEST_WORDS || offsched_load_acquire(ring->newest_of) != of)
		return false;
	for (at = 0; at < count; at++)
		words[at] = offsched_load(ring->newest + at);
	offsched_fence_loads();
	return offsched_load(ring->newest_of) == of;
}

/*
 * Where `need` words are free in one piece, between a writer at `write` and a
 * reader at `read`; -1: nowhere. Write never reaches read from behind: equal
 * means empty. Wild indices do no harm, but mean nothing.
 */
static inline int offsched_place(const struct offsched_ring *ring, __u32 write, __u32 read,
				 size_t need)
{
	if (write < read)
		return need + ring->gap <= read - write ? (int)write : -1;
	if (write <= ring->words && need <= ring->words - write)
		return (int)write;
	return need + ring->gap <= read ? 0 : -1;
}

/*
 * What the published words say, for who has neither half: is there mail, is
 * there room for `len` bytes? A hint: its peers may have written anything.
 */
static inline bool offsched_ring_mail(const struct offsched_ring *ring, __u16 epoch)
{
	__u64 tail = offsched_load_acquire(ring->tail);
	__u64 head = offsched_load_acquire(ring->head);

	return offsched_unpack(tail, epoch).at != offsched_unpack(head, epoch).at;
}

static inline bool offsched_ring_room(const struct offsched_ring *ring, __u16 epoch, size_t len)
{
	__u64 tail = offsched_load_acquire(ring->tail);
	__u64 head = offsched_load_acquire(ring->head);

	return offsched_ring_takes(ring, len) &&
	       offsched_place(ring, offsched_unpack(tail, epoch).at,
			      offsched_unpack(head, epoch).at,
			      offsched_frame_words(ring, len)) >= 0;
}

#endif
