/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode to long mode, in one page of the first MiB. Copied there; only
 * offsets from the page's start are used until `words` tell where that is.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#define AT(label)	((label) - offsched_trampoline)
#define CODE32		0x08
#define DATA		0x10
#define CODE64		0x18

	.section .rodata
	.balign 16
SYM_DATA_START(offsched_trampoline)
	.code16
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movl	AT(offsched_trampoline_words), %ebx
	/* Three addresses become absolute. */
	addl	%ebx, AT(gdtr) + 2
	addl	%ebx, AT(to32)
	addl	%ebx, AT(to64)
	lgdtl	AT(gdtr)
	movl	%cr0, %eax
	andl	$~(X86_CR0_CD | X86_CR0_NW), %eax
	orl	$X86_CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	*AT(to32)

	.code32
protected:
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	%cr4, %eax
	orl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	AT(offsched_trampoline_words) + 4(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NX), %eax
	wrmsr
	movl	%cr0, %eax
	orl	$(X86_CR0_PG | X86_CR0_WP), %eax
	movl	%eax, %cr0
	ljmpl	*AT(to64)(%ebx)

	.code64
long_mode:
	movl	%ebx, %ebx
	jmp	*AT(offsched_trampoline_words) + 8(%rbx)

	.balign 8
to32:	.long	AT(protected)
	.word	CODE32
	.balign 8
to64:	.long	AT(long_mode)
	.word	CODE64
	.balign 8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00cf93000000ffff	/* DATA */
	.quad	0x00af9b000000ffff	/* CODE64 */
gdtr:	.word	. - gdt - 1
	.long	AT(gdt)
	.balign 8
SYM_INNER_LABEL(offsched_trampoline_words, SYM_L_GLOBAL)
	.long	0, 0			/* base, root */
	.quad	0			/* entry */
SYM_DATA_END_LABEL(offsched_trampoline, SYM_L_GLOBAL, offsched_trampoline_end)
