/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module reads and writes of a region: executive/abi/src/header.rs,
 * header/bells.rs, region.rs and channel/state.rs say what it means.
 */
#ifndef OFFSCHED_REGION_H
#define OFFSCHED_REGION_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "offsched.h"

#define OFFSCHED_REGION_MAGIC		0x646568637366666fULL
#define OFFSCHED_ABI_VERSION		1
#define OFFSCHED_SERVICES_MAX		64
#define OFFSCHED_CHANNELS_MAX		1024
#define OFFSCHED_RUNG_WORDS		(OFFSCHED_CHANNELS_MAX / 64)

/* The core's own word on how it fares. */
enum offsched_word {
	OFFSCHED_WORD_OFFLINE,
	OFFSCHED_WORD_STARTING,
	OFFSCHED_WORD_RUNNING,
	OFFSCHED_WORD_STOPPING,
	OFFSCHED_WORD_CRASHED,
};

struct offsched_tables {
	__u64 region_bytes;
	__u64 public_bytes;
	__u32 services_offset;
	__u32 services;
	__u32 channels_offset;
	__u32 channels;
	__u32 telemetry_offset;
	__u32 tasks;
};

struct offsched_header {
	__u64 magic;
	__u64 layout_hash;
	__u32 abi_version;
	__u32 reserved;
	struct offsched_tables tables;
	__u32 state;		/* enum offsched_word */
	__u32 epoch;		/* 0 until the image lives */
	__u8 pad0[56];
	__u64 rung[OFFSCHED_RUNG_WORDS];	/* the core rang: a bit for each channel */
	__u32 bell;		/* Linux rang: 1 until the core has heard */
};

static_assert(offsetof(struct offsched_header, tables) == 24);
static_assert(offsetof(struct offsched_header, state) == 0x40);
static_assert(offsetof(struct offsched_header, rung) == 0x80);
static_assert(offsetof(struct offsched_header, bell) == 0x100);

struct offsched_service {
	__u8 name[OFFSCHED_NAME_BYTES];
	__u32 clients;
	__u32 ring_bytes;
	__u32 rx_size;		/* longest message to the core, bytes */
	__u32 tx_size;
	__u32 first_channel;
	__u32 reserved;
};

static_assert(sizeof(struct offsched_service) == 56);

/* A channel's state word: epoch << 16 | phase. */
enum offsched_phase {
	OFFSCHED_FREE,
	OFFSCHED_OPEN,
	OFFSCHED_CLOSING,
};

#endif
