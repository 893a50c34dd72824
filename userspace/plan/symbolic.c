/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolic.h"

#include <string.h>

#define WINDOW_MAX 40
#define IDS_MAX    96
#define SLOTS_MAX  8
#define CALLER_SAVED                                                                               \
	(1u << WF_REG_RAX | 1u << WF_REG_RDX | 1u << WF_REG_RCX | 1u << WF_REG_RSI |               \
	 1u << WF_REG_RDI | 1u << WF_REG_R8 | 1u << WF_REG_R9 | 1u << WF_REG_R10 |                 \
	 1u << WF_REG_R11)

struct value {
	struct wf_linear sum, load_at;
	uint8_t load_width;
	bool load_signed;
};

/* A memory operand whose value is known: spilled index registers of unoptimised code. */
struct slot {
	struct wf_memory place;
	struct value value;
	bool used;
};

struct limit {
	uint32_t below; /* 0 = unknown */
	bool checked;   /* by a compare; else it is only as many bits */
	uint8_t fits;   /* bytes outside of which the unknown is zero, 8 = not known */
	uint8_t width;  /* of the compare */
};

struct machine {
	struct value regs[16];
	struct slot slots[SLOTS_MAX];
	uint32_t next_slot;
	struct limit limits[IDS_MAX];
	uint32_t ids;
	uint32_t compared; /* unknown that the flags belong to, 0 = none */
	int64_t compared_with;
	uint8_t compared_width;
};

static struct value unknown(struct machine *m, uint32_t below, uint8_t fits)
{
	struct value value = {0};

	if (m->ids + 1 >= IDS_MAX)
		return (struct value){.sum = {.id = {IDS_MAX}, .scale = {1}}};
	value.sum.id[0] = ++m->ids;
	value.sum.scale[0] = 1;
	m->limits[m->ids] = (struct limit){below, false, fits, 8};
	return value;
}

static struct value constant(int64_t number)
{
	return (struct value){.sum = {.constant = number}};
}

/* The unknown that the value is, 0 where it is anything else. */
static uint32_t plain(const struct value *v)
{
	if (v->load_width || v->sum.constant || v->sum.id[1] || v->sum.scale[0] != 1 ||
	    v->sum.id[0] >= IDS_MAX)
		return 0;
	return v->sum.id[0];
}

static bool add_term(struct wf_linear *to, uint32_t id, unsigned scale)
{
	if (!id)
		return true;
	for (unsigned k = 0; k < 2; k++) {
		if (to->id[k] && to->id[k] != id)
			continue;
		if (to->scale[k] + scale > 8)
			return false;
		to->id[k] = id;
		to->scale[k] = (uint8_t)(to->scale[k] + scale);
		return true;
	}
	return false;
}

static bool add_scaled(struct wf_linear *to, const struct wf_linear *from, unsigned scale)
{
	to->constant += (int64_t)((uint64_t)from->constant * scale);
	return add_term(to, from->id[0], from->scale[0] * scale) &&
	       add_term(to, from->id[1], from->scale[1] * scale);
}

static struct value add(struct machine *m, const struct value *a, const struct value *b)
{
	struct value sum = *a;

	if ((a->load_width && b->load_width) || !add_scaled(&sum.sum, &b->sum, 1))
		return unknown(m, 0, 8);
	if (b->load_width) {
		sum.load_at = b->load_at;
		sum.load_width = b->load_width;
		sum.load_signed = b->load_signed;
	}
	return sum;
}

/* What was loaded from a scaled place and is compared or used as an index is no table entry. */
static const struct value *as_index(struct machine *m, uint8_t reg)
{
	if (m->regs[reg].load_width)
		m->regs[reg] = unknown(m, 0, 8);
	return &m->regs[reg];
}

static bool address_of(struct machine *m, const struct wf_memory *memory, struct wf_linear *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!memory->valid)
		return false;
	ret->constant = memory->disp;
	return (memory->base == WF_REG_NONE ||
		add_scaled(ret, &as_index(m, memory->base)->sum, 1)) &&
	       (memory->index == WF_REG_NONE ||
		add_scaled(ret, &as_index(m, memory->index)->sum, memory->scale));
}

static bool same_place(const struct wf_memory *a, const struct wf_memory *b)
{
	return a->base == b->base && a->index == b->index && a->scale == b->scale &&
	       a->disp == b->disp;
}

static void remember(struct machine *m, const struct wf_memory *place, const struct value *value)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		if (m->slots[i].used && m->slots[i].place.base == place->base &&
		    m->slots[i].place.disp > place->disp - 8 &&
		    m->slots[i].place.disp < place->disp + 8)
			m->slots[i].used = false;
	if (!place->valid)
		return;
	m->slots[m->next_slot] = (struct slot){*place, *value, true};
	m->next_slot = (m->next_slot + 1) % SLOTS_MAX;
}

/* The value in memory, an unknown of its own where it is read for the first time. */
static struct value recall(struct machine *m, const struct wf_memory *place)
{
	struct value value;

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		if (m->slots[i].used && same_place(&m->slots[i].place, place))
			return m->slots[i].value;
	value = unknown(m, 0, 8);
	remember(m, place, &value);
	return value;
}

static void forget_base(struct machine *m, uint32_t written)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		const struct wf_memory *place = &m->slots[i].place;

		if ((place->base < 16 && written & 1u << place->base) ||
		    (place->index < 16 && written & 1u << place->index))
			m->slots[i].used = false;
	}
}

/* Zero extension of a part: a bound that was checked on just that part holds for all of it. */
static struct value narrowed(struct machine *m, const struct value *from, uint8_t width)
{
	uint32_t id = plain(from), below = width < 4 ? 1u << (8 * width) : 0;
	struct value value;

	if (width >= 4)
		return *from;
	value = unknown(m, below, width);
	if (id && plain(&value) && m->limits[id].below && m->limits[id].below < below &&
	    m->limits[id].width >= width) {
		m->limits[plain(&value)].below = m->limits[id].below;
		m->limits[plain(&value)].checked = m->limits[id].checked;
	}
	return value;
}

static struct value load(struct machine *m, const struct wf_detail *detail)
{
	struct value value = {0}, inner;

	if (!address_of(m, &detail->memory, &value.load_at))
		return unknown(m, 0, 8);
	if (detail->width >= 4 && (value.load_at.scale[0] >= 4 || value.load_at.scale[1] >= 4)) {
		value.load_width = detail->width;
		value.load_signed = detail->form == WF_FORM_LOAD_SIGNED;
		return value;
	}
	inner = recall(m, &detail->memory);
	return narrowed(m, &inner, detail->width);
}

static struct value shifted(struct machine *m, const struct value *from, int64_t by)
{
	struct value value = {0};

	if (from->load_width || by < 0 || by > 3 || !add_scaled(&value.sum, &from->sum, 1u << by))
		return unknown(m, 0, 8);
	return value;
}

static struct value moved(const struct value *from, uint8_t width)
{
	struct value value = *from;

	/* Half a constant; halves of unknowns are taken as the same unknown. */
	if (width == 4 && !value.load_width && !value.sum.id[0] && !value.sum.id[1])
		value.sum.constant &= 0xffffffff;
	return value;
}

static struct value sign_extended(struct machine *m, const struct value *from, uint8_t width)
{
	struct value value = *from;

	if (width != 4)
		return unknown(m, 0, 8);
	if (value.load_width == 4)
		value.load_signed = true;
	return value;
}

static struct value masked(struct machine *m, const struct wf_detail *detail)
{
	bool small = detail->imm >= 0 && detail->imm < WF_TABLE_MAX;

	return unknown(m, small ? (uint32_t)detail->imm + 1 : 0, 8);
}

static bool evaluate(struct machine *m, const struct wf_detail *d, struct value *ret)
{
	struct value address = {0};

	switch (d->form) {
	case WF_FORM_MOVE:
		*ret = moved(&m->regs[d->src], d->width);
		return true;
	case WF_FORM_ZERO_EXTEND:
		*ret = narrowed(m, &m->regs[d->src], d->width);
		return true;
	case WF_FORM_SIGN_EXTEND:
		*ret = sign_extended(m, &m->regs[d->src], d->width);
		return true;
	case WF_FORM_CONSTANT:
		*ret = constant(d->imm);
		return true;
	case WF_FORM_LOAD:
	case WF_FORM_LOAD_SIGNED:
		*ret = load(m, d);
		return true;
	case WF_FORM_ADDRESS:
		*ret = address_of(m, &d->memory, &address.sum) ? address : unknown(m, 0, 8);
		return true;
	case WF_FORM_ADD:
		*ret = add(m, &m->regs[d->dst], &m->regs[d->src]);
		return true;
	case WF_FORM_SHIFT_LEFT:
		*ret = shifted(m, &m->regs[d->dst], d->imm);
		return true;
	case WF_FORM_AND:
		*ret = masked(m, d);
		return true;
	default:
		return false;
	}
}

static void compare(struct machine *m, const struct wf_detail *detail)
{
	struct value value;

	m->compared = 0;
	if (detail->dst != WF_REG_NONE)
		value = *as_index(m, detail->dst);
	else if (detail->memory.valid)
		value = recall(m, &detail->memory);
	else
		return;
	m->compared = plain(&value);
	m->compared_with = detail->imm;
	m->compared_width = detail->width;
}

/* The branch was not taken, or the window would have ended here. */
static void fall_through(struct machine *m, const struct wf_insn *insn)
{
	int64_t below = m->compared_with + (insn->condition == 7); /* ja, else jae */
	struct limit *limit = &m->limits[m->compared];

	if (!m->compared || (insn->condition != 7 && insn->condition != 3) || below <= 0 ||
	    below > WF_TABLE_MAX)
		return;
	limit->below = (uint32_t)below;
	limit->checked = true;
	limit->width = m->compared_width;
}

static bool keeps_flags(uint8_t form)
{
	return form == WF_FORM_MOVE || form == WF_FORM_ZERO_EXTEND || form == WF_FORM_SIGN_EXTEND ||
	       form == WF_FORM_LOAD || form == WF_FORM_LOAD_SIGNED || form == WF_FORM_STORE ||
	       form == WF_FORM_ADDRESS;
}

static void step(struct machine *m, const struct wf_insn *insn, const struct wf_detail *detail)
{
	struct value value;
	bool known = evaluate(m, detail, &value);
	uint32_t written = detail->written;

	if (detail->form == WF_FORM_COMPARE || detail->form == WF_FORM_SUBTRACT)
		compare(m, detail);
	else if (insn->kind == WF_INSN_OTHER && !keeps_flags(detail->form))
		m->compared = 0;
	if (insn->kind == WF_INSN_CALL || insn->kind == WF_INSN_CALL_INDIRECT ||
	    insn->kind == WF_INSN_SLOW)
		written |= CALLER_SAVED;
	if (detail->form == WF_FORM_STORE)
		remember(m, &detail->memory, &m->regs[detail->src]);
	else if (detail->writes_memory)
		memset(m->slots, 0, sizeof(m->slots));
	forget_base(m, written);
	for (unsigned r = 0; r < 16; r++)
		if (written & 1u << r)
			m->regs[r] = known && r == detail->dst ? value : unknown(m, 0, 8);
}

static uint32_t window_start(const struct wf_graph *graph, uint32_t insn)
{
	uint32_t first = wf_graph_part(graph, insn)->first, start = insn;

	while (start > first && insn - start < WINDOW_MAX &&
	       !wf_insn_ends(&graph->insns[start - 1]))
		start--;
	return start;
}

static void finish(const struct machine *m, const struct value *value, struct wf_target_value *ret)
{
	*ret = (struct wf_target_value){.sum = value->sum,
					.load_at = value->load_at,
					.load_width = value->load_width,
					.load_signed = value->load_signed};
	for (unsigned k = 0; k < 2 && ret->load_width; k++) {
		const struct limit *limit = &m->limits[ret->load_at.id[k] % IDS_MAX];

		/* A bound on a part says nothing about the rest, unless the rest is zero. */
		if (ret->load_at.scale[k] == ret->load_width &&
		    (limit->width >= 4 || limit->width >= limit->fits)) {
			ret->limit = limit->below;
			ret->limit_checked = limit->checked;
		}
	}
}

bool wf_symbolic_target(const struct wf_graph *graph, uint32_t insn, struct wf_target_value *ret)
{
	struct machine m = {.ids = 16};
	struct wf_detail detail;
	struct value value = {0};

	for (uint32_t r = 0; r < 16; r++)
		m.regs[r].sum = (struct wf_linear){.id = {r + 1}, .scale = {1}};
	for (uint32_t i = window_start(graph, insn); i < insn; i++) {
		if (graph->insns[i].kind == WF_INSN_JCC)
			fall_through(&m, &graph->insns[i]);
		if (wf_graph_detail(graph, i, &detail) < 0)
			return false;
		step(&m, &graph->insns[i], &detail);
	}
	if (wf_graph_detail(graph, insn, &detail) < 0)
		return false;
	if (detail.dst != WF_REG_NONE) {
		value = m.regs[detail.dst];
	} else if (detail.memory.valid && detail.memory.index != WF_REG_NONE) {
		value.load_width = 8;
		if (!address_of(&m, &detail.memory, &value.load_at))
			return false;
	} else {
		return false;
	}
	finish(&m, &value, ret);
	return true;
}
