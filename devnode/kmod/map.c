// SPDX-License-Identifier: GPL-2.0
/* mmap: what a core publishes, read-only; and a client's own channel. */

#include <linux/mm.h>
#include <linux/version.h>

#include "internal.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* All pages are there from the start. */
static vm_fault_t public_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct public_operations = { .fault = public_fault };

/*
 * Read-only, for good: a handle that was opened for writing could turn its
 * mapping writable later, and a private one would not show what changes.
 */
static int map_public(struct offsched_handle *handle, struct vm_area_struct *vma)
{
	struct offsched_core *core = READ_ONCE(handle->core);
	unsigned long i, count = vma_pages(vma);
	struct offsched_run *run;
	int ret = 0;

	if (handle->file->f_mode & FMODE_WRITE ||
	    vma->vm_flags & (VM_WRITE | VM_EXEC | VM_MAYWRITE))
		return -EACCES;
	run = core ? offsched_run_get(core) : NULL;
	if (!run)
		return -EINVAL;
	if (count > run->public_bytes >> PAGE_SHIFT)
		ret = -EINVAL;
	vm_flags_clear(vma, VM_MAYEXEC);
	/* The pages live as long as a mapping has them. */
	for (i = 0; !ret && i < count; i++)
		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, run->shared.page[i]);
	vma->vm_ops = &public_operations;
	offsched_run_put(run);
	return ret;
}

/* Under run->lock, so that closing the channel comes before or after all of it. */
static vm_fault_t insert_channel(struct offsched_handle *handle, struct vm_area_struct *vma)
{
	struct page **page = handle->run->shared.page;
	u64 first = handle->channel->offset >> PAGE_SHIFT;
	unsigned long i, count = vma_pages(vma);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	if (!offsched_handle_open(handle))
		return VM_FAULT_SIGBUS;
	first += vma->vm_pgoff - ((handle->run->map_base + handle->channel->offset) >> PAGE_SHIFT);
	for (i = 0; ret == VM_FAULT_NOPAGE && i < count; i++)
		ret = vmf_insert_pfn(vma, vma->vm_start + i * PAGE_SIZE,
				     page_to_pfn(page[first + i]));
	return ret;
}

/* The first touch maps all of the mapping. */
static vm_fault_t channel_fault(struct vm_fault *vmf)
{
	struct offsched_handle *handle = vmf->vma->vm_file->private_data;
	vm_fault_t ret;

	mutex_lock(&handle->run->lock);
	ret = insert_channel(handle, vmf->vma);
	mutex_unlock(&handle->run->lock);
	return ret;
}

static const struct vm_operations_struct channel_operations = { .fault = channel_fault };

/*
 * Page frames without their pages: nobody can take a reference (a pipe, direct
 * I/O), and see what the channel's next client does. The handle, which the
 * mapping keeps, keeps the memory.
 */
static int map_channel(struct offsched_handle *handle, struct vm_area_struct *vma)
{
	u64 offset, bytes;
	int ret;

	if (!smp_load_acquire(&handle->channel))
		return -EINVAL;
	offset = handle->run->map_base + handle->channel->offset;
	bytes = offsched_channel_bytes(handle->run->service + handle->channel->service);
	if (vma->vm_pgoff != offset >> PAGE_SHIFT || vma->vm_end - vma->vm_start != bytes)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EACCES;
	ret = offsched_handle_use(handle, OFFSCHED_MAPPED);
	if (ret)
		return ret;
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &channel_operations;
	return 0;
}

int offsched_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct offsched_handle *handle = file->private_data;

	return vma->vm_pgoff ? map_channel(handle, vma) : map_public(handle, vma);
}
