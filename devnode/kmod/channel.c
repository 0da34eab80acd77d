// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: free, open to one client, closing, and free again
 * (executive/abi/src/channel.rs).
 */

#include <linux/mm.h>
#include <linux/string.h>

#include "internal.h"

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

		if ((channel->word & 0xffff) == OFFSCHED_PHASE_FREE)
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

static int open_locked(struct offsched_run *run, const u8 *name, struct offsched_channel **found)
{
	const struct offsched_service_entry *service = offsched_service_find(run, name);
	struct offsched_channel *channel;
	char *page;

	if (!service)
		return -ENOENT;
	channel = find_free(run, service);
	if (!channel)
		return -EBUSY;
	/* Until the core says otherwise, the client rings for it. */
	page = run->view + channel->offset;
	WRITE_ONCE(*(u32 *)(page + OFFSCHED_CHANNEL_APP_WANTS), 0);
	WRITE_ONCE(*(u32 *)(page + OFFSCHED_CHANNEL_CORE_WANTS),
		   OFFSCHED_WAKE_MAIL | OFFSCHED_WAKE_ROOM);
	set_word(run, channel, offsched_word(next_epoch(channel), OFFSCHED_PHASE_OPEN));
	*found = channel;
	return 0;
}

/* Opens a channel of the service; its pages are zero but for the wake words. */
int offsched_channel_open(struct offsched_run *run, const u8 *name, struct offsched_channel **found)
{
	u32 state;
	int ret;

	if (!smp_load_acquire(&run->live) || READ_ONCE(run->over))
		return -ENODEV;
	state = READ_ONCE(offsched_run_header(run)->state.state);
	if (state != OFFSCHED_STATE_STARTING && state != OFFSCHED_STATE_RUNNING)
		return -ENODEV;
	mutex_lock(&run->lock);
	ret = open_locked(run, name, found);
	mutex_unlock(&run->lock);
	if (!ret)
		offsched_wake_core(run);
	return ret;
}

/*
 * Closes a channel, unless that has been done: nobody can reach it through
 * `mapping` (if any) any more, the core is told, and it is zero and free for the next.
 */
void offsched_channel_close(struct offsched_run *run, struct offsched_channel *channel, u16 epoch,
			    struct address_space *mapping)
{
	u64 bytes = offsched_channel_bytes(run->service + channel->service);
	bool closing;

	mutex_lock(&run->lock);
	closing = channel->word == offsched_word(epoch, OFFSCHED_PHASE_OPEN);
	if (closing)
		set_word(run, channel, offsched_word(epoch, OFFSCHED_PHASE_CLOSING));
	mutex_unlock(&run->lock);
	if (!closing)
		return;
	offsched_wake_core(run);
	/* A page fault holds the lock: it came before and is undone, or finds it closing. */
	if (mapping)
		unmap_mapping_range(mapping, run->map_base + channel->offset, bytes, 1);
	wake_up_all(&channel->wait);
	memset(run->view + channel->offset, 0, bytes);
	mutex_lock(&run->lock);
	set_word(run, channel, offsched_word(epoch, OFFSCHED_PHASE_FREE));
	smp_store_release(&run->frees, run->frees + 1);
	mutex_unlock(&run->lock);
	wake_up_all(&run->freed);
}
