// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: free, open to one client, closing, and free again
 * (executive/abi/src/channel.rs).
 *
 * What a client leaves behind is zeroed when the next one opens: at the latest
 * moment, because the core may be in the middle of a message to the old one.
 * Before that it is given the time to notice: jobs run to completion, so once
 * its idle loop has looked at the clock after the close, nothing that it began
 * before is under way. One that has not been idle for SETTLE_LOOKS is not waited
 * for any longer: what it stores late is a piece of a message, which the next
 * client's rings never point to.
 */

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "internal.h"

#define SETTLE_LOOKS	100	/* 100 to 200 us each */

/* Under run->lock. */
static void set_word(struct offsched_run *run, struct offsched_channel *channel, u32 word)
{
	WRITE_ONCE(channel->word, word);
	smp_store_release(&run->states[channel->index], word);
}

static u16 next_epoch(const struct offsched_channel *channel)
{
	u16 epoch = offsched_word_epoch(channel->word) + 1;

	return epoch ? epoch : 1;
}

static struct offsched_channel *find_free(struct offsched_run *run,
					  const struct offsched_service_entry *service)
{
	u32 i;

	for (i = 0; i < service->clients; i++) {
		struct offsched_channel *channel = run->channel + service->first_channel + i;

		if (!channel->claimed && (channel->word & 0xffff) == OFFSCHED_PHASE_FREE)
			return channel;
	}
	return NULL;
}

/* The service of that name, padded with zeros; once the region has been read. */
const struct offsched_service_entry *offsched_service_find(struct offsched_run *run,
							   const u8 *name)
{
	u32 i;

	for (i = 0; i < run->services; i++)
		if (!memcmp(run->service[i].name, name, OFFSCHED_NAME_BYTES))
			return run->service + i;
	return NULL;
}

/* Whether a client that states these types of messages, or none (0), means the service's. */
bool offsched_service_takes(const struct offsched_service_entry *service, u64 rx_type, u64 tx_type)
{
	return (!rx_type || rx_type == service->rx_type.id) &&
	       (!tx_type || tx_type == service->tx_type.id);
}

/* Messages of a stated type have one size: what the core would throw away is refused here. */
bool offsched_service_fits(const struct offsched_service_entry *service, size_t bytes)
{
	return bytes == service->rx_size || (bytes < service->rx_size && !service->rx_type.id);
}

/* Takes a free channel out of the others' sight. */
static int claim(struct offsched_run *run, const u8 *name, struct offsched_channel **found)
{
	const struct offsched_service_entry *service = offsched_service_find(run, name);
	int ret = -EBUSY;

	if (!service)
		return -ENOENT;
	mutex_lock(&run->lock);
	*found = find_free(run, service);
	if (*found) {
		(*found)->claimed = true;
		ret = 0;
	}
	mutex_unlock(&run->lock);
	return ret;
}

/* The core's idle loop has looked at the clock since the channel was closed. */
static bool noticed(struct offsched_run *run, const struct offsched_channel *channel)
{
	return !channel->closed || READ_ONCE(run->over) ||
	       (s64)(READ_ONCE(*run->heartbeat) - channel->closed) > 0;
}

/* Makes it as if nobody had had it. */
static void clean(struct offsched_run *run, struct offsched_channel *channel)
{
	char *page = run->view + channel->offset;
	int looks;

	for (looks = 0; looks < SETTLE_LOOKS && !noticed(run, channel); looks++) {
		offsched_wake_core(run);
		usleep_range(100, 200);
	}
	memset(page, 0, offsched_channel_bytes(run->service + channel->service));
	/* Until the core says otherwise, the client rings for it. */
	WRITE_ONCE(*(u32 *)(page + OFFSCHED_CHANNEL_CORE_WANTS),
		   OFFSCHED_WAKE_MAIL | OFFSCHED_WAKE_ROOM);
}

/* Opens a channel of the service; its pages are zero but for the core's wake word. */
int offsched_channel_open(struct offsched_run *run, const u8 *name, struct offsched_channel **found)
{
	u32 state;
	int ret;

	if (!smp_load_acquire(&run->live) || READ_ONCE(run->over))
		return -ENODEV;
	state = READ_ONCE(offsched_run_header(run)->state.state);
	if (state != OFFSCHED_STATE_STARTING && state != OFFSCHED_STATE_RUNNING)
		return -ENODEV;
	ret = claim(run, name, found);
	if (ret)
		return ret;
	clean(run, *found);
	mutex_lock(&run->lock);
	set_word(run, *found, offsched_word(next_epoch(*found), OFFSCHED_PHASE_OPEN));
	(*found)->claimed = false;
	mutex_unlock(&run->lock);
	offsched_wake_core(run);
	return 0;
}

/*
 * Cuts the client off: false if that has been done. True: the caller sees to it
 * that none of its own stores to the channel any more, and frees it.
 */
bool offsched_channel_cut(struct offsched_run *run, struct offsched_channel *channel, u16 epoch)
{
	bool open;

	mutex_lock(&run->lock);
	open = channel->word == offsched_word(epoch, OFFSCHED_PHASE_OPEN);
	if (open)
		set_word(run, channel, offsched_word(epoch, OFFSCHED_PHASE_CLOSING));
	mutex_unlock(&run->lock);
	if (!open)
		return false;
	smp_mb();	/* what the core does after this time, it does with the channel closed */
	channel->closed = rdtsc_ordered();
	offsched_wake_core(run);
	wake_up_all(&channel->wait);
	return true;
}

/* After the cut: for the next client. */
void offsched_channel_free(struct offsched_run *run, struct offsched_channel *channel, u16 epoch)
{
	mutex_lock(&run->lock);
	set_word(run, channel, offsched_word(epoch, OFFSCHED_PHASE_FREE));
	smp_store_release(&run->frees, run->frees + 1);
	mutex_unlock(&run->lock);
	wake_up_all(&run->freed);
}
