/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What crosses the boundary between an offloaded core and Linux: written from
 * executive/abi by `cargo xtask header`. Change it there.
 *
 * Words that two sides share are plain integers here: reach them by atomic
 * accesses of their size (ring_words.h has them).
 */
#ifndef OFFSCHED_ABI_H
#define OFFSCHED_ABI_H

#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif
#include <linux/types.h>

#define OFFSCHED_ALIGNED(bytes)	__attribute__((aligned(bytes)))

/* The first word of every region: "offsched". */
#define OFFSCHED_MAGIC 0x646568637366666fULL

/* Of the sizes and offsets of everything shared, and of how frames lie in rings. */
#define OFFSCHED_LAYOUT_HASH 0x3b2fba80e2cb116fULL

/* First word of every request and reply: "osch". */
#define OFFSCHED_NODE_MAGIC 0x6863736fULL

/* First word of the parameters: "offparm", and a version. */
#define OFFSCHED_PARAMS_MAGIC 0x16d72617066666fULL

/* Bytes of the console, whole pages. */
#define OFFSCHED_CONSOLE_BYTES 0x9000ULL

/* Bytes of the log rings, whole pages. */
#define OFFSCHED_LOG_BYTES 0x21000ULL

/* Address of the word that tells what a non-maskable interrupt is for. */
#define OFFSCHED_DUMP_ADDRESS 0x60000048ULL

/* Offset of a core's epoch in its region, bytes. */
#define OFFSCHED_EPOCH_OFFSET 0x44ULL

/* Registers of a crash scene. */
#define OFFSCHED_REGISTERS 0x16ULL

/* Offset of a core's state in its region, bytes. */
#define OFFSCHED_STATE_OFFSET 0x40ULL

/* Offset of the marks of the core's rings, bytes. */
#define OFFSCHED_RUNG_OFFSET 0x80ULL

/* Offset of the mark of Linux's ring, bytes. */
#define OFFSCHED_BELL_OFFSET 0x100ULL

/* Version of everything in this crate that another program can see. A reader refuses any other. */
#define OFFSCHED_ABI_VERSION 1

/* Bytes in a page; every mapping's size and offset is a multiple. */
#define OFFSCHED_PAGE_BYTES 4096

/* Wake word bit: ring when a frame was published to me. */
#define OFFSCHED_WAKE_MAIL 1

/* Wake word bit: ring when room was given back to me. */
#define OFFSCHED_WAKE_ROOM 2

/* The last epoch before numbering starts again at 1. Epoch 0 is "never opened". */
#define OFFSCHED_EPOCH_MAX 0xffff

/* Bytes kept. */
#define OFFSCHED_CONSOLE_RING (32 * 1024)

/* Words of offsched_bells::ring's marks: a bit for each channel that a region can have. */
#define OFFSCHED_RUNG_WORDS (OFFSCHED_CHANNELS_MAX / 64)

/* Bytes of a build id that are kept: all of a linker's usual ones (SHA-1). */
#define OFFSCHED_BUILD_ID_BYTES 20

/* Bytes of a crash message; a longer one is cut. */
#define OFFSCHED_CRASH_BYTES 1024

/* Most addresses in a backtrace. */
#define OFFSCHED_TRACE_MAX 48

/* Values below this share bucket 0. */
#define OFFSCHED_FLOOR 8

/* The image's window, from here. */
#define OFFSCHED_IMAGE_BASE 0x40000000ULL

/* To here. */
#define OFFSCHED_IMAGE_END 0x60000000ULL

/* Address of the offsched_params. */
#define OFFSCHED_PARAMS_ADDRESS 0x60000000ULL

/* Address of the local APIC's registers. */
#define OFFSCHED_LAPIC_ADDRESS 0x60001000ULL

/* Address of the shared memory. */
#define OFFSCHED_SHARED_ADDRESS 0x60200000ULL

/* Most shared memory, bytes. */
#define OFFSCHED_SHARED_MAX 0x10000000ULL

/* The interrupt vector by which Linux asks the core to look at its parameters. */
#define OFFSCHED_DOORBELL_VECTOR 65

/* Type of the note whose description is an offsched_image_info. */
#define OFFSCHED_NOTE_TYPE 1

/* Most segments of an image. */
#define OFFSCHED_SEGMENTS_MAX 16

/* For offsched_segment::access: the core may read; always set. */
#define OFFSCHED_ACCESS_READ 1

/* For offsched_segment::access: it may write; never together with OFFSCHED_ACCESS_EXEC. */
#define OFFSCHED_ACCESS_WRITE 2

/* For offsched_segment::access: it may run what is there. */
#define OFFSCHED_ACCESS_EXEC 4

/* Most limits of an image. */
#define OFFSCHED_LIMITS_MAX 256

/* Reads a offsched_load. */
#define OFFSCHED_LOAD 1

/* Takes the CPU and starts the image. */
#define OFFSCHED_START 2

/* Asks the image to end. */
#define OFFSCHED_STOP 3

/* Gives the CPU to Linux, whatever the image does. */
#define OFFSCHED_RETURN 4

/* Reads a offsched_limit. */
#define OFFSCHED_LIMIT 9

/* Rings of a core. */
#define OFFSCHED_LOG_RINGS 8

/* Slots of a ring. */
#define OFFSCHED_LOG_SLOTS 512

/* Bytes of a frame in a slot. */
#define OFFSCHED_SLOT_BYTES 24

/* Longest frame, bytes; a longer one is lost, and counted. */
#define OFFSCHED_LOG_FRAME_MAX (40 * OFFSCHED_SLOT_BYTES)

/* Operation: give me the region. */
#define OFFSCHED_OP_HELLO 1

/* Operation: bind this handle to the service named. */
#define OFFSCHED_OP_BIND 2

/* For offsched_bind::flags: wait until a channel is free. */
#define OFFSCHED_BIND_WAIT 1

/* The type byte of all its calls. */
#define OFFSCHED_TYPE 247

/* About which CPU the handle is; reads and writes a u32. */
#define OFFSCHED_ATTACH 0

/* What the module knows of the core; writes a offsched_core_status. */
#define OFFSCHED_STATUS 5

/* Binds the handle; reads and writes a offsched_bind. */
#define OFFSCHED_BIND 6

/* Wakes the core to look at its channels. */
#define OFFSCHED_RING 7

/* Closes the channel; the handle stays, hung up. */
#define OFFSCHED_CLOSE 8

/* For OFFSCHED_ATTACH: the first CPU whose image runs, else the first whose image has run. */
#define OFFSCHED_ANY_CPU 0xffffffffU

/* Most services in a region. */
#define OFFSCHED_SERVICES_MAX 64

/* Most channels in a region, all services together. */
#define OFFSCHED_CHANNELS_MAX 1024

/* Most tasks in a region. */
#define OFFSCHED_TASKS_MAX 4096

/* Bytes of a service's name, padded with zeros. */
#define OFFSCHED_NAME_BYTES 32

/* Bytes in the unit that ring indices count, and the alignment of every payload. */
#define OFFSCHED_WORD_BYTES 8

/* Most data words in a ring: what 24 bits of index can say. */
#define OFFSCHED_RING_WORDS_MAX ((1 << 24) - 1)

/* Fewest data words in a ring: one that takes a frame with a payload. */
#define OFFSCHED_RING_WORDS_MIN 5

/* Words of the newest publication that lie beside the index: the rest of its line of 64 bytes. */
#define OFFSCHED_NEWEST_WORDS 6

/* The most tasks that an autopsy names. */
#define OFFSCHED_AUTOPSY_TASKS 3

/* Job records kept for the autopsy and for readers, overwriting the oldest. */
#define OFFSCHED_JOB_RECORDS 64

/* Words of an Autopsy as published. */
#define OFFSCHED_AUTOPSY_WORDS (5 + OFFSCHED_AUTOPSY_TASKS)

/* Words of a JobRecord as published. */
#define OFFSCHED_JOB_WORDS 4

/* No task: an index that is never used. */
#define OFFSCHED_NO_TASK 0xffff

/* The app's idle function, where a task is named; never a task's index either. */
#define OFFSCHED_IDLE_TASK (0xffff - 1)

/* Bytes of a task's name; a longer one is cut. */
#define OFFSCHED_TASK_NAME_BYTES 48

/* Words of a offsched_task_name. */
#define OFFSCHED_TASK_NAME_WORDS (OFFSCHED_TASK_NAME_BYTES / 8)

/* Where a channel stands. */
enum offsched_phase {
	/* Nobody has it. */
	OFFSCHED_PHASE_FREE = 0,
	/* An application has it. */
	OFFSCHED_PHASE_OPEN = 1,
	/* The application is gone or cut off; the pages are not yet ready for another. */
	OFFSCHED_PHASE_CLOSING = 2,
};

/* How far a CPU is on its way to an image and back. */
enum offsched_stage {
	/* Nothing loaded. */
	OFFSCHED_STAGE_EMPTY = 0,
	/* An image that has not run. */
	OFFSCHED_STAGE_LOADED = 1,
	/* The CPU is the image's. */
	OFFSCHED_STAGE_OFFLOADED = 2,
	/* The CPU is Linux's again; the shared memory is as the image left it. */
	OFFSCHED_STAGE_RETURNED = 3,
};

/* What a core is doing. */
enum offsched_state_word {
	/* Not running an image. */
	OFFSCHED_STATE_OFFLINE = 0,
	/* The image was started and prepares. */
	OFFSCHED_STATE_STARTING = 1,
	/* Tasks are being released. */
	OFFSCHED_STATE_RUNNING = 2,
	/* Told to stop, or stopping by itself. */
	OFFSCHED_STATE_STOPPING = 3,
	/* The image failed; see the header's crash message. */
	OFFSCHED_STATE_CRASHED = 4,
};

/* What kind of crash it was. */
enum offsched_crash_kind {
	/* A panic: of the registers rip, rsp, rbp, rflags and cr3 mean something. */
	OFFSCHED_CRASH_KIND_PANIC = 1,
	/* A fault of the processor's: all registers are those of the faulting instruction. */
	OFFSCHED_CRASH_KIND_FAULT = 2,
	/* The port refused to run the image; no registers. */
	OFFSCHED_CRASH_KIND_REFUSED = 3,
};

/* Why a backtrace ends where it does. */
enum offsched_trace_end {
	/* At the image's entry: it is whole. */
	OFFSCHED_TRACE_END_ENTRY = 0,
	/* There was no more room. */
	OFFSCHED_TRACE_END_ROOM = 1,
	/* At a frame pointer or return address that is none. */
	OFFSCHED_TRACE_END_BROKEN = 2,
};

/* How a request fared. */
enum offsched_reply_status {
	/* Done. */
	OFFSCHED_REPLY_OK = 0,
	/* Not a request, or not one that this version knows. */
	OFFSCHED_REPLY_MALFORMED = 1,
	/* Another ABI version or layout; the reply says which the node has. */
	OFFSCHED_REPLY_WRONG_VERSION = 2,
	/* No service of that name. */
	OFFSCHED_REPLY_NO_SERVICE = 3,
	/* All channels of the service are taken. */
	OFFSCHED_REPLY_ALL_TAKEN = 4,
	/* This handle is bound already. */
	OFFSCHED_REPLY_ALREADY_BOUND = 5,
	/* The core is not running; the reply says what it is. */
	OFFSCHED_REPLY_CORE_GONE = 6,
	/* The node has too many handles open, or is out of memory or descriptors. */
	OFFSCHED_REPLY_NO_RESOURCES = 7,
	/* The service's messages are of other types than the sender's. */
	OFFSCHED_REPLY_WRONG_TYPE = 8,
	/* The service is for other users. */
	OFFSCHED_REPLY_NOT_ALLOWED = 9,
};

/* Where the region's tables are. Offsets in bytes from the region's start. */
struct offsched_tables {
	/* Bytes of the region: header and tables. */
	__u64 region_bytes;
	/*
	 * Bytes that applications may see, read-only: the region, and what else the core publishes.
	 */
	__u64 public_bytes;
	/* Offset of the offsched_service_entry table. */
	__u32 services_offset;
	/* Entries in it. */
	__u32 services;
	/* Offset of the offsched_channel_state table. */
	__u32 channels_offset;
	/* Entries in it: the channels of all services, in the services' order. */
	__u32 channels;
	/*
	 * Offset of the offsched_core_telemetry, with the offsched_task_telemetry table right after it.
	 */
	__u32 telemetry_offset;
	/* Entries in the task table. */
	__u32 tasks;
};

/* State and epoch of a core, on a line of their own. */
struct OFFSCHED_ALIGNED(64) offsched_core_state {
	__u32 state;
	__u32 epoch;
};

/* The marks of rings not yet heard, each way in lines of its own. */
struct OFFSCHED_ALIGNED(128) offsched_bells {
	__u64 rung[OFFSCHED_RUNG_WORDS];
	__u32 bell;
};

/*
 * A TimeScale as published. May be published anew while the core runs, since Linux slews
 * CLOCK_MONOTONIC: a sequence number, odd while writing, tells readers to look again.
 */
struct OFFSCHED_ALIGNED(64) offsched_time_base {
	__u32 sequence;
	__u32 _reserved;
	__u64 words[4];
};

/* A message that the core writes once, before it says that it crashed. */
struct OFFSCHED_ALIGNED(64) offsched_crash_message {
	__u32 len;
	__u8 text[OFFSCHED_CRASH_BYTES];
};

/* The scene as the core leaves it: written once, before it says that it crashed. */
struct OFFSCHED_ALIGNED(64) offsched_crash_scene {
	/* 0: nothing here. Written last. */
	__u32 kind;
	__u32 end;
	__u32 len;
	__u32 _reserved;
	__u64 tsc;
	__u64 registers[OFFSCHED_REGISTERS];
	__u64 trace[OFFSCHED_TRACE_MAX];
};

/* The build id of the program that runs on the core, written once at its start. */
struct offsched_build {
	/* 0: it has none. Written last. */
	__u32 len;
	__u8 bytes[OFFSCHED_BUILD_ID_BYTES];
};

/*
 * The header page.
 *
 * Written by the core and the program that runs it; applications have it read-only, so every
 * load here is one that may be made on read-only memory.
 */
struct OFFSCHED_ALIGNED(4096) offsched_header {
	__u64 magic;
	__u64 layout_hash;
	__u32 abi_version;
	__u32 _reserved;
	struct offsched_tables tables;
	/* State and epoch of the core. */
	struct offsched_core_state state;
	/* Doorbells that have been rung, both ways. */
	struct offsched_bells bells;
	/* The core's clock and Linux's. */
	struct offsched_time_base time;
	/* Why the core crashed, if it did. */
	struct offsched_crash_message crash;
	/* Where it crashed. */
	struct offsched_crash_scene scene;
	/* Which file the image, or the hosted core's program, was built into. */
	struct offsched_build build;
};

/* What a region says of a type of messages. */
struct offsched_message_type {
	/* The identity; 0: not stated. */
	__u64 id;
	/* Its name, padded with zeros; cut if it is longer. */
	__u8 name[OFFSCHED_NAME_BYTES];
};

/* What an application may bind to. "rx" and "tx" are the core's: it receives rx, it sends tx. */
struct offsched_service_entry {
	/* UTF-8, padded with zeros. */
	__u8 name[OFFSCHED_NAME_BYTES];
	/* Applications that may be bound at a time: so many channels. */
	__u32 clients;
	/* Data bytes of each ring of a channel, as declared. */
	__u32 ring_bytes;
	/* Longest message to the core, bytes. */
	__u32 rx_size;
	/* Longest message from the core, bytes. */
	__u32 tx_size;
	/* Index of its first channel; the others follow. */
	__u32 first_channel;
	/* Zero. */
	__u32 reserved;
	/* What messages to the core are. */
	struct offsched_message_type rx_type;
	/* What messages from the core are. */
	struct offsched_message_type tx_type;
};

/*
 * Phase and epoch of one channel, in one word: bits 31..16 epoch, 15..0 phase.
 *
 * Only Linux's side calls the methods that change it, one at a time.
 */
struct offsched_channel_state {
	__u32 word;
};

/*
 * A record of W words that is read without a lock.
 *
 * The sequence number is odd while the writer is inside. Source: the seqlock
 * of Linux; H.-J. Boehm, "Can seqlocks get along with programming language
 * memory models?", MSPC 2012.
 */
struct offsched_sequenced_job_words {
	__u64 sequence;
	__u64 words[OFFSCHED_JOB_WORDS];
};

/* The core's own telemetry: gaps, faults of the clock, and the trace. */
struct offsched_core_telemetry {
	/* The counter at tick 0, cycles: from here the schedule's ticks of 1 us count. */
	__u64 tick_zero;
	/* The idle loop's last look at the clock, cycles: stands still while the core is busy. */
	__u64 heartbeat;
	/* Stretches that the platform took from the idle core. */
	__u64 gaps;
	/* The longest of them, cycles. */
	__u64 gap_max;
	/* Their sum, cycles. */
	__u64 gap_total;
	/* Times that the clock was seen to go back. */
	__u64 clock_steps_back;
	/*
	 * Alarms and doorbells that found the core open to them; those deferred by a kernel section are not counted.
	 */
	__u64 interrupts;
	/*
	 * Spawns tried from outside the core since the run before, all refused. Published when the run ends.
	 */
	__u64 foreign_spawns;
	/* Messages of a wrong size, and rings damaged by their clients. */
	__u64 bad_messages;
	/* Bytes for the emergency console that could not be written at once, and were dropped. */
	__u64 console_lost;
	/* Interrupts that were meant for nobody here. Bare cores only. */
	__u64 strays;
	/* Non-maskable interrupts. Bare cores only. */
	__u64 nmis;
	/* Bytes of the core's stack; 0 where that is not known. Bare cores only. */
	__u64 stack_bytes;
	/*
	 * Most of it that was ever used, as far as the core has looked: a little in each idle turn, all of it at its end.
	 */
	__u64 stack_used;
	/*
	 * 1: the app would poll in idle, and the port halts instead, since a hypervisor has other uses for the processor.
	 * Bare cores only.
	 */
	__u64 poll_refused;
	/*
	 * Finished jobs of measured tasks so far; the newest record is at (jobs - 1) % JOB_RECORDS.
	 */
	__u64 jobs;
	/* The last finished jobs of measured tasks. */
	struct offsched_sequenced_job_words trace[OFFSCHED_JOB_RECORDS];
};

/* A name that the core writes before the first job: UTF-8, little endian, padded with zeros. */
struct offsched_task_name {
	__u64 words[OFFSCHED_TASK_NAME_WORDS];
};

/*
 * A histogram over values in cycles: N buckets, PER_OCTAVE (1 or 2) to
 * each power of two.
 */
struct offsched_histogram_32_2 {
	__u64 counts[32];
};

/* Lateness: two buckets an octave, up to 2^18 cycles (about 100 us). */
typedef struct offsched_histogram_32_2 offsched_lateness_histogram;

/*
 * A histogram over values in cycles: N buckets, PER_OCTAVE (1 or 2) to
 * each power of two.
 */
struct offsched_histogram_16_1 {
	__u64 counts[16];
};

/* Lateness in gaps: one bucket an octave, up to 2^17 cycles. */
typedef struct offsched_histogram_16_1 offsched_gap_histogram;

/*
 * A histogram over values in cycles: N buckets, PER_OCTAVE (1 or 2) to
 * each power of two.
 */
struct offsched_histogram_20_1 {
	__u64 counts[20];
};

/* Execution time: one bucket an octave, up to 2^21 cycles (about 1 ms). */
typedef struct offsched_histogram_20_1 offsched_execution_histogram;

/*
 * A record of W words that is read without a lock.
 *
 * The sequence number is odd while the writer is inside. Source: the seqlock
 * of Linux; H.-J. Boehm, "Can seqlocks get along with programming language
 * memory models?", MSPC 2012.
 */
struct offsched_sequenced_autopsy_words {
	__u64 sequence;
	__u64 words[OFFSCHED_AUTOPSY_WORDS];
};

/* One task's name, counters, histograms, maxima and its worst job. */
struct offsched_task_telemetry {
	/* task, or service.task inside a service. */
	struct offsched_task_name name;
	/* Jobs that became ready. */
	__u64 releases;
	/* Jobs that ran to their end. */
	__u64 completions;
	/* Jobs that ended after their deadline. */
	__u64 misses;
	/* Jobs that ran for longer than their budget. */
	__u64 overruns;
	/* Spawns refused on the core, and releases that found the task's capacity used up. */
	__u64 rejected;
	/* Releases passed over under the policy skip. */
	__u64 skipped;
	/* Releases moved back to keep the declared least interval. */
	__u64 postponed;
	/*
	 * Jobs that a stop found waiting, ready or for a time still to come, and that were dropped. Published when the run
	 * ends.
	 */
	__u64 dropped;
	/* Longest time from release to start, cycles. */
	__u64 lateness_max;
	/* The same among jobs whose wait no gap touched, cycles. */
	__u64 lateness_max_outside_gaps;
	/* Longest time from release to end, cycles. */
	__u64 response_max;
	/* Longest execution, without the time of tasks that preempted, cycles. */
	__u64 execution_max;
	/* Sum of all execution times, cycles. */
	__u64 execution_total;
	/* Time from release to start, of jobs whose wait no gap touched. */
	offsched_lateness_histogram lateness;
	/*
	 * Time from release to start, of jobs whose wait a gap touched. The raw
	 * figure is both together.
	 */
	offsched_gap_histogram lateness_in_gaps;
	/* Execution time of all jobs. */
	offsched_execution_histogram execution;
	/* The worst job so far: longest response. */
	struct offsched_sequenced_autopsy_words worst;
};

/*
 * One side's wake word, on a line pair of its own: what the other side is asked to ring for
 * (OFFSCHED_WAKE_MAIL, OFFSCHED_WAKE_ROOM); 0 while the side looks by itself.
 */
struct OFFSCHED_ALIGNED(128) offsched_wake_line {
	__u32 wants;
};

/* The line pair that only the producer writes: 128 bytes, because x86 fetches lines in pairs. */
struct OFFSCHED_ALIGNED(128) offsched_producer_line {
	/* Bits 63..48 epoch, 47..24 end of the upper piece (last), 23..0 next word to write. */
	__u64 tail;
	/*
	 * Of what newest is a copy, or becomes one before tail says so: bits 63..48 epoch, 47..24 words, 23..0 first
	 * word; 0: of nothing.
	 */
	__u64 newest_of;
	/*
	 * What was published last, or is about to be, if it is so short: who waits for it has it with the index, in one line.
	 */
	__u64 newest[OFFSCHED_NEWEST_WORDS];
};

/* The line pair that only the consumer writes. */
struct OFFSCHED_ALIGNED(128) offsched_consumer_line {
	/* Bits 63..48 epoch, 47..24 zero, 23..0 next word to read. */
	__u64 head;
};

/* The shared indices of one ring. All zero is an empty ring of no epoch. */
struct offsched_ring_words {
	struct offsched_producer_line producer;
	struct offsched_consumer_line consumer;
};

/* The first page of a channel: wake words and ring indices. All zero is a channel never opened. */
struct OFFSCHED_ALIGNED(4096) offsched_control_page {
	/* Set by the core, taken back by the application when it rings. */
	struct offsched_wake_line core;
	/* Set by the application, taken back by the core when it rings. */
	struct offsched_wake_line app;
	/* Indices of the ring to the core. */
	struct offsched_ring_words to_core;
	/* Indices of the ring from the core. */
	struct offsched_ring_words from_core;
};

/* The ring. All zero is an empty one. */
struct OFFSCHED_ALIGNED(64) offsched_console {
	/* Bytes that are being written or were; the oldest are overwritten. */
	__u64 begun;
	/* Bytes written. */
	__u64 written;
	__u8 bytes[OFFSCHED_CONSOLE_RING];
};

/* What the module tells the image. Linux writes it, the core only reads. */
struct offsched_params {
	/* OFFSCHED_PARAMS_MAGIC. */
	__u64 magic;
	/* Physical address of the image's page tables. */
	__u64 root;
	/* Bytes of shared memory, whole pages. */
	__u64 shared_bytes;
	/* The TSC's frequency as Linux has it, kHz. */
	__u64 tsc_khz;
	/* A reading of the TSC, cycles. */
	__u64 tsc;
	/* CLOCK_MONOTONIC at that reading, ns. */
	__u64 monotonic_ns;
	/* Linux's number of the CPU. */
	__u32 cpu;
	/* Its local APIC's number. */
	__u32 apic_id;
	/* How often a core was started on this CPU. */
	__u32 epoch;
	__u32 stop;
	__u64 notify;
	__u32 dump;
	__u32 _reserved;
};

/*
 * What an image says about itself, in an ELF note. All words little endian; 64-bit values in two
 * halves, since notes are aligned to 4.
 */
struct offsched_image_info {
	__u32 abi_version;
	__u32 layout_hash[2];
	__u32 shared_bytes[2];
	__u32 public_bytes[2];
};

/* A request. All words little endian. */
struct offsched_request {
	/* OFFSCHED_NODE_MAGIC. */
	__u32 magic;
	/* OFFSCHED_ABI_VERSION of the sender. */
	__u32 abi_version;
	/* OFFSCHED_LAYOUT_HASH of the sender. */
	__u64 layout_hash;
	/* OP_*. */
	__u32 op;
	/* Zero. */
	__u32 reserved;
	/*
	 * The service's name, padded with zeros; all zero unless the operation is OFFSCHED_OP_BIND.
	 */
	__u8 name[OFFSCHED_NAME_BYTES];
	/* The identity of the messages that the sender will send; 0: whatever it is. */
	__u64 rx_type;
	/* The identity of those that it expects; 0: whatever it is. */
	__u64 tx_type;
};

/*
 * The answer to a request. All words little endian.
 *
 * Descriptors beside it: hello: the region (read-only). Bind: the channel's pages, the wake-up
 * (an eventfd that the core rings), the doorbell (one that the application rings). Else none.
 */
struct offsched_reply {
	/* OFFSCHED_NODE_MAGIC. */
	__u32 magic;
	/* OFFSCHED_ABI_VERSION of the node. */
	__u32 abi_version;
	/* OFFSCHED_LAYOUT_HASH of the node. */
	__u64 layout_hash;
	/* A offsched_reply_status. */
	__u32 status;
	/* Hello, core gone: the core's offsched_state_word. */
	__u32 core_state;
	/* The core's epoch. */
	__u32 core_epoch;
	/* Bind: the service's index. */
	__u32 service;
	/* Bind: the channel's index. */
	__u32 channel;
	/* Bind: the epoch that the channel is open in. */
	__u32 channel_epoch;
};

/* A binding asked of the kernel's device, and its answer in the same words. */
struct offsched_bind {
	/* OFFSCHED_ABI_VERSION of the sender; of the image, if that is why it was refused. */
	__u32 abi_version;
	/* OFFSCHED_BIND_WAIT or 0. */
	__u32 flags;
	/* OFFSCHED_LAYOUT_HASH of the sender. */
	__u64 layout_hash;
	/* The service's name, padded with zeros. */
	__u8 name[OFFSCHED_NAME_BYTES];
	/* Answer: the service's index. */
	__u32 service;
	/* Answer: the channel's index. */
	__u32 channel;
	/* Answer: the epoch that the channel is open in. */
	__u32 channel_epoch;
	/* Answer: the core's epoch. */
	__u32 core_epoch;
	/* Answer: the core's CPU. */
	__u32 cpu;
	/* With OFFSCHED_BIND_WAIT: at most so long, ms; 0: as long as it takes. */
	__u32 wait_ms;
	/* The identity of the messages that the sender will send; 0: whatever it is. */
	__u64 rx_type;
	/* The identity of those that it expects; 0: whatever it is. */
	__u64 tx_type;
	/* Answer: where mmap finds the channel's pages. */
	__u64 offset;
	/* Answer: their bytes. */
	__u64 bytes;
};

/* What the kernel's device knows of a core. */
struct offsched_core_status {
	/* The CPU. */
	__u32 cpu;
	/* A offsched_stage. */
	__u32 state;
	/* Starts of cores on this CPU. */
	__u32 epoch;
	/* Zero. */
	__u32 reserved;
	/* Bytes of shared memory. */
	__u64 shared_bytes;
	/* Bytes of it that everybody may see, from the start. */
	__u64 public_bytes;
};

/* An image for a CPU. */
struct offsched_load {
	/* Where it starts, in an executable segment. */
	__u64 entry;
	/* Where the loading program has the array of offsched_segments. */
	__u64 segments;
	/* Entries in it. */
	__u32 count;
	/* The CPU. */
	__u32 cpu;
	/* Bytes of shared memory, whole pages. */
	__u64 shared_bytes;
	/* Bytes of it that everybody may see, from the start; whole pages. */
	__u64 public_bytes;
};

/*
 * Lets a group's members bind a service of the image that was loaded. A service that no limit names is for all who can
 * open the device.
 */
struct offsched_limit {
	/* The service's name, padded with zeros. */
	__u8 service[OFFSCHED_NAME_BYTES];
	/* The group, as the caller numbers it. */
	__u32 gid;
	/* Zero. */
	__u32 reserved;
};

/* Part of an image: whole pages, filled from data, the rest zero. */
struct offsched_segment {
	/* Address on the core. */
	__u64 address;
	/* Bytes there, whole pages. */
	__u64 bytes;
	/* Where the loading program has the data. */
	__u64 data;
	/* Bytes of it. */
	__u64 data_bytes;
	/* ACCESS_* together. */
	__u32 access;
	/* Zero. */
	__u32 reserved;
};

/* As Rust lays them out. */
_Static_assert(sizeof(struct offsched_header) == 4096, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_header) == 4096, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, state) == 64, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, bells) == 128, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, time) == 384, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, crash) == 448, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, scene) == 1536, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, build) == 2176, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_tables) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_tables) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, region_bytes) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, public_bytes) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, services_offset) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, services) == 20, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, channels_offset) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, channels) == 28, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, telemetry_offset) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_tables, tasks) == 36, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_core_state) == 64, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_core_state) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_bells) == 256, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_bells) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_time_base) == 64, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_time_base) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_crash_message) == 1088, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_crash_message) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_crash_scene) == 640, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_crash_scene) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_build) == 24, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_build) == 4, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_message_type) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_message_type) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_message_type, id) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_message_type, name) == 8, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_service_entry) == 136, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_service_entry) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, name) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, clients) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, ring_bytes) == 36, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, rx_size) == 40, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, tx_size) == 44, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, first_channel) == 48, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, reserved) == 52, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, rx_type) == 56, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_service_entry, tx_type) == 96, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_channel_state) == 4, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_channel_state) == 4, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_core_telemetry) == 2688, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_core_telemetry) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, tick_zero) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, heartbeat) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, gaps) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, gap_max) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, gap_total) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, clock_steps_back) == 40, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, interrupts) == 48, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, foreign_spawns) == 56, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, bad_messages) == 64, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, console_lost) == 72, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, strays) == 80, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, nmis) == 88, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, stack_bytes) == 96, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, stack_used) == 104, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, poll_refused) == 112, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, jobs) == 120, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_telemetry, trace) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_task_name) == 48, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_task_name) == 8, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_task_telemetry) == 768, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_task_telemetry) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, name) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, releases) == 48, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, completions) == 56, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, misses) == 64, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, overruns) == 72, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, rejected) == 80, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, skipped) == 88, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, postponed) == 96, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, dropped) == 104, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, lateness_max) == 112, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, lateness_max_outside_gaps) == 120, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, response_max) == 128, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, execution_max) == 136, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, execution_total) == 144, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, lateness) == 152, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, lateness_in_gaps) == 408, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, execution) == 536, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_task_telemetry, worst) == 696, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_control_page) == 4096, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_control_page) == 4096, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_control_page, core) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_control_page, app) == 128, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_control_page, to_core) == 256, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_control_page, from_core) == 512, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_wake_line) == 128, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_wake_line) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_ring_words) == 256, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_ring_words) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_producer_line) == 128, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_producer_line) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_consumer_line) == 128, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_consumer_line) == 128, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_console) == 32832, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_console) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_params) == 80, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_params) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, magic) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, root) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, shared_bytes) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, tsc_khz) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, tsc) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, monotonic_ns) == 40, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, cpu) == 48, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, apic_id) == 52, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, epoch) == 56, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_image_info) == 28, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_image_info) == 4, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_request) == 72, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_request) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, magic) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, abi_version) == 4, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, layout_hash) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, op) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, reserved) == 20, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, name) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, rx_type) == 56, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_request, tx_type) == 64, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_reply) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_reply) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, magic) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, abi_version) == 4, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, layout_hash) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, status) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, core_state) == 20, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, core_epoch) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, service) == 28, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, channel) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_reply, channel_epoch) == 36, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_bind) == 104, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_bind) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, abi_version) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, flags) == 4, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, layout_hash) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, name) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, service) == 48, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, channel) == 52, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, channel_epoch) == 56, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, core_epoch) == 60, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, cpu) == 64, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, wait_ms) == 68, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, rx_type) == 72, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, tx_type) == 80, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, offset) == 88, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_bind, bytes) == 96, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_core_status) == 32, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_core_status) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, cpu) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, state) == 4, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, epoch) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, reserved) == 12, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, shared_bytes) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_core_status, public_bytes) == 24, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_load) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_load) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, entry) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, segments) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, count) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, cpu) == 20, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, shared_bytes) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_load, public_bytes) == 32, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_limit) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_limit) == 4, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_limit, service) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_limit, gid) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_limit, reserved) == 36, "not as in executive/abi");
_Static_assert(sizeof(struct offsched_segment) == 40, "not as in executive/abi");
_Static_assert(_Alignof(struct offsched_segment) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, address) == 0, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, bytes) == 8, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, data) == 16, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, data_bytes) == 24, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, access) == 32, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_segment, reserved) == 36, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, state.state) == 64, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, state.epoch) == 68, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, bells.rung) == 128, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_header, bells.bell) == 256, "not as in executive/abi");
_Static_assert(offsetof(struct offsched_params, dump) == 72, "not as in executive/abi");

#endif
