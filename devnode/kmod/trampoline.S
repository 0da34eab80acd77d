/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode to long mode, in one page of the first MiB. Copied there; only
 * offsets from the page's start are used until `words` tell where that is. The
 * page's end is the stack.
 *
 * A non-maskable interrupt may come between any two of these instructions. One
 * table serves all three modes, since each has the gate of vector 2 somewhere
 * else in it. (Before LIDT it is the firmware's table. A machine check before the
 * image sets CR4.MCE resets the machine, as it does while Linux starts a CPU.)
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/page_types.h>
#include <asm/processor-flags.h>

#define AT(label)	((label) - offsched_trampoline)
#define CODE32		0x08
#define DATA		0x10
#define CODE64		0x18
/* Of a 32-bit and of a 64-bit interrupt gate: present, ring 0. */
#define GATE		0x8e00

	.section .rodata
	.balign 16
SYM_DATA_START(offsched_trampoline)
	.code16
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$PAGE_SIZE, %sp
	movl	AT(offsched_trampoline_words), %ebx
	/* Addresses become absolute; the page's has no low 12 bits. */
	movl	%ebx, %ecx
	shrl	$16, %ecx
	movw	%ax, AT(gate16) + 2
	addw	%bx, AT(gate32)
	movw	%cx, AT(gate32) + 6
	addw	%bx, AT(gate64)
	movw	%cx, AT(gate64) + 6
	addl	%ebx, AT(idtr) + 2
	lidtl	AT(idtr)
	addl	%ebx, AT(gdtr) + 2
	addl	%ebx, AT(stack)
	addl	%ebx, AT(to32)
	addl	%ebx, AT(to64)
	lgdtl	AT(gdtr)
	movl	%cr0, %eax
	andl	$~(X86_CR0_CD | X86_CR0_NW), %eax
	orl	$X86_CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	*AT(to32)
nmi16:	iretw

	.code32
	/* An NMI before paging begins here again: its frame may name a real-mode segment. */
protected:
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	lssl	AT(stack)(%ebx), %esp
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
	/* By IRET, which lets in the next NMI if one was on the way. */
	movl	%ebx, %ebx
	movl	%esp, %esp
	movq	%rsp, %rax
	pushq	$DATA
	pushq	%rax
	pushq	$X86_EFLAGS_FIXED
	pushq	$CODE64
	pushq	AT(offsched_trampoline_words) + 8(%rbx)
nmi64:	iretq

	.balign 8
to32:	.long	AT(protected)
	.word	CODE32
	.balign 8
to64:	.long	AT(long_mode)
	.word	CODE64
	.balign 8
stack:	.long	PAGE_SIZE
	.word	DATA
	.balign 8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00cf93000000ffff	/* DATA */
	.quad	0x00af9b000000ffff	/* CODE64 */
gdtr:	.word	. - gdt - 1
	.long	AT(gdt)
	.balign 16
gates:	.quad	0
gate16:	.word	AT(nmi16), 0		/* 2 * 4: segment */
	.long	0
gate32:	.word	AT(protected), CODE32, GATE, 0	/* 2 * 8 */
	.quad	0
gate64:	.word	AT(nmi64), CODE64, GATE, 0	/* 2 * 16 */
	.quad	0
idtr:	.word	. - gates - 1
	.long	AT(gates)
	.balign 8
SYM_INNER_LABEL(offsched_trampoline_words, SYM_L_GLOBAL)
	.long	0, 0			/* base, root */
	.quad	0			/* entry */
SYM_DATA_END_LABEL(offsched_trampoline, SYM_L_GLOBAL, offsched_trampoline_end)
