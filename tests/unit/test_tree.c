/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random call trees, recorded as the kernel would (short calls leave tombstones, inner calls are
 * marked held), spread over rings and rounds: the spans must form exactly the trees that ran.
 */
#include "stream.h"

#include "userspace/base/map.h"
#include "userspace/base/str.h"
#include "userspace/collect/order.h"

#define TASKS       6
#define DEPTH_MAX   12
#define RINGS_MAX   8
#define RECORDS_MAX 40000
#define MINIMUM_NS  500
#define DRAIN_NS    20000 /* a round of drains */

struct frame {
	uint64_t id, parent_id, start_ns;
	bool minimum, held, child_out;
};

struct task {
	struct frame frames[DEPTH_MAX];
	unsigned depth;
	uint64_t now_ns, root_id, root_start_ns;
	uint32_t tid;
};

struct world {
	uint64_t random;
	uint64_t next_id;
	struct wf_rec_span records[RECORDS_MAX];
	unsigned ring[RECORDS_MAX];
	size_t count;
	struct wf_map *call_parent; /* id -> id of the calling frame, recorded or not */
	struct wf_map *recorded;    /* ids with a span record */
	size_t spans, tombstones;
};

static uint64_t draw(struct world *world, uint64_t below)
{
	world->random = wf_mix64(world->random + 0x9e3779b97f4a7c15ull);
	return world->random % below;
}

static void emit(struct world *world, struct task *task, unsigned k, uint16_t kind)
{
	const struct frame *frame = &task->frames[k];
	struct wf_rec_span *record = &world->records[world->count];

	assert_true(world->count < RECORDS_MAX);
	/* A task moves between processors, so its records lie in several rings. */
	world->ring[world->count++] = (unsigned)draw(world, RINGS_MAX);
	*record = (struct wf_rec_span){
		.head = {.kind = kind,
			 .size = sizeof(*record),
			 .span = frame->minimum ? 2 : 1,
			 .time_ns = task->now_ns,
			 .tid = task->tid,
			 .tgid = 10},
		.start_ns = frame->start_ns,
		.id = frame->id,
		.parent_id = frame->parent_id,
		.trace_hi = 7,
		.trace_lo = task->root_id,
		.root_id = task->root_id,
		.root_start_ns = task->root_start_ns,
		.depth = (uint16_t)k,
		.flags = (k ? 0 : WF_SPAN_ROOT) | (frame->held ? WF_SPAN_HELD : 0),
	};
	if (kind == WF_REC_TOMBSTONE) {
		world->tombstones++;
		return;
	}
	world->spans++;
	wf_map_put(world->recorded, frame->id, 1);
}

static void enter(struct world *world, struct task *task)
{
	struct frame *top = task->depth ? &task->frames[task->depth - 1] : NULL;
	struct frame *frame = &task->frames[task->depth];

	*frame = (struct frame){
		.id = ++world->next_id,
		.parent_id = top ? top->id : 0,
		.start_ns = task->now_ns,
		.minimum = draw(world, 2),
		.held = top && (top->held || top->minimum),
	};
	if (!task->depth) {
		task->root_id = frame->id;
		task->root_start_ns = frame->start_ns;
	}
	wf_map_put(world->call_parent, frame->id, frame->parent_id);
	task->depth++;
}

static void leave(struct world *world, struct task *task)
{
	struct frame *frame = &task->frames[--task->depth];
	bool is_short = frame->minimum && task->now_ns - frame->start_ns < MINIMUM_NS;

	if (!is_short)
		emit(world, task, task->depth, WF_REC_SPAN);
	else if (frame->child_out)
		emit(world, task, task->depth, WF_REC_TOMBSTONE);
	else
		return;
	if (task->depth)
		task->frames[task->depth - 1].child_out = true;
}

static void run_world(struct world *world)
{
	struct task tasks[TASKS] = {0};

	for (unsigned t = 0; t < TASKS; t++) {
		tasks[t].tid = 100 + t;
		tasks[t].now_ns = 100000 + t;
	}
	while (world->count < RECORDS_MAX - 1000) {
		struct task *task = &tasks[draw(world, TASKS)];

		/* often no time passes: equal times must be ordered by depth */
		task->now_ns += draw(world, 3) ? draw(world, 300) : 0;
		if (task->depth < DEPTH_MAX && draw(world, 2))
			enter(world, task);
		else if (task->depth)
			leave(world, task);
	}
	for (unsigned t = 0; t < TASKS; t++) {
		while (tasks[t].depth)
			leave(world, &tasks[t]);
	}
}

static void forward(void *ctx, const struct wf_rec_head *record)
{
	stream_send(ctx, record);
}

static int by_time(const void *a, const void *b)
{
	const struct wf_rec_span *one = *(const struct wf_rec_span *const *)a;
	const struct wf_rec_span *other = *(const struct wf_rec_span *const *)b;

	if (one->head.time_ns != other->head.time_ns)
		return one->head.time_ns < other->head.time_ns ? -1 : 1;
	/* as written */
	return one < other ? -1 : one > other;
}

/* Drain ring after ring in rounds; what is written while a round runs, later rings show already. */
static void drain(const struct world *world, struct wf_order *order)
{
	const struct wf_rec_span **sorted = calloc(world->count, sizeof(*sorted));
	size_t at[RINGS_MAX] = {0}, left = world->count;
	uint64_t now = 100000;

	for (size_t i = 0; i < world->count; i++)
		sorted[i] = &world->records[i];
	qsort(sorted, world->count, sizeof(*sorted), by_time);
	for (; left; now += DRAIN_NS) {
		wf_order_round_begin(order, now);
		for (unsigned ring = 0; ring < RINGS_MAX; ring++) {
			for (size_t *i = &at[ring]; *i < world->count; ++*i) {
				if (sorted[*i]->head.time_ns > now + ring * 500)
					break;
				if (world->ring[sorted[*i] - world->records] != ring)
					continue;
				wf_order_add(order, &sorted[*i]->head);
				left--;
			}
		}
		wf_order_round_end(order);
	}
	wf_order_flush(order, now);
	free(sorted);
}

static uint64_t nearest_recorded(const struct world *world, uint64_t id)
{
	uint64_t parent = 0, ignored;

	assert_true(wf_map_get(world->call_parent, id, &parent));
	while (parent && !wf_map_get(world->recorded, parent, &ignored))
		assert_true(wf_map_get(world->call_parent, parent, &parent));
	return parent;
}

static void check(const struct world *world, struct stream *stream)
{
	const struct wf_assembler_counters *counters = stream_finish(stream);

	assert_int_equal(stream->count, world->spans);
	assert_int_equal(counters->tombstones, world->tombstones);
	assert_int_equal(counters->held_released_early, 0);
	assert_all_counted(counters);
	for (uint32_t i = 0; i < stream->count; i++) {
		uint64_t id = id_of(stream->spans[i]->span_id);

		assert_int_equal(id_of(stream->spans[i]->parent_id), nearest_recorded(world, id));
	}
}

static void random_trees_come_out_as_they_ran(void **state)
{
	static struct wf_rule list[2] = {{.index = 0}, {.index = 1, .min_duration_ns = MINIMUM_NS}};
	static const struct wf_ruleset rules = {.profile = "adhoc", .rules = list, .count = 2};
	struct wf_assembler_config config = {
		.rules = &rules,
		.batch_spans = 512,
		.batch_bytes = 4 << 20,
		.held_spans_max = 10000,
		.held_ns_max = 30000000000ull,
	};

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct world *world = calloc(1, sizeof(*world));
		struct stream *stream = stream_new(&config);
		struct wf_order *order = NULL;

		world->random = seed;
		world->call_parent = wf_map_new(1 << 20);
		world->recorded = wf_map_new(1 << 20);
		stream_define(stream, 1, 0, "f");
		stream_define(stream, 2, 1, "g");
		assert_int_equal(wf_order_new(32 << 20, forward, stream, &order, NULL), 0);
		run_world(world);
		drain(world, order);
		assert_int_equal(wf_order_counters(order)->records, world->count);
		assert_int_equal(wf_order_counters(order)->late, 0);
		check(world, stream);
		wf_order_free(order);
		stream_free(stream);
		wf_map_free(world->call_parent);
		wf_map_free(world->recorded);
		free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_trees_come_out_as_they_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
