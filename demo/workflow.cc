// SPDX-License-Identifier: Apache-2.0
//
// A workflow engine in miniature, for wftrace to attach to: pipelines of stages, tasks that worker
// threads take from a queue, retries, and an exception that is thrown and caught. It knows nothing
// of tracing. Runs until killed, or for --seconds N.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

// A function that the compiler inlines has no address to trace; these stay functions, as the
// boundaries between the files of a larger program do.
#define BOUNDARY __attribute__((noinline))

using namespace std::chrono;

static std::atomic<bool> stopping{false};

static void work_for(microseconds time)
{
	std::this_thread::sleep_for(time);
}

namespace flow
{

struct Task {
	int id;
	std::string name;
	int rows;
	int failures; // how often it fails before it works
};

class Store
{
      public:
	BOUNDARY void store_result(const Task &task, int rows);
	std::atomic<long> rows_stored{0};
};

BOUNDARY int run_task(const char *name, int id, const Task &task, Store &store);
BOUNDARY int retry_task(const Task &task, int attempt);
BOUNDARY int fetch_records(const char *source, int rows);

// A fixed set of threads that run tasks from one queue.
class Pool
{
      public:
	Pool(int threads, Store &store);
	~Pool();
	BOUNDARY void submit_task(Task task);
	BOUNDARY void wait_idle();

      private:
	void serve();
	Store &store_;
	std::mutex lock_;
	std::condition_variable filled_, idle_;
	std::deque<Task> queue_;
	std::vector<std::thread> threads_;
	int busy_ = 0;
	bool closed_ = false;
};

class Pipeline
{
      public:
	Pipeline(const char *name, int run, Pool &pool) : name_(name), run_(run), pool_(pool)
	{
	}
	BOUNDARY void run_pipeline();
	BOUNDARY void run_stage(const char *stage, int tasks);
	BOUNDARY void publish_report();

      private:
	const char *name_; // at offset 0, and
	int run_;          // at offset 8: the demo's rules read them behind `self`
	Pool &pool_;
};

void Store::store_result(const Task &task, int rows)
{
	work_for(microseconds(600 + task.id % 5 * 100));
	rows_stored += rows;
}

int fetch_records(const char *source, int rows)
{
	work_for(microseconds(1500 + rows * 5));
	if (source[0] == '\0')
		throw std::invalid_argument("a task without a name");
	return rows;
}

static int attempt_task(const Task &task, int attempt)
{
	int rows = fetch_records(task.name.c_str(), task.rows);

	if (attempt <= task.failures)
		throw std::runtime_error("lost the connection to " + task.name);
	return rows;
}

int retry_task(const Task &task, int attempt)
{
	work_for(milliseconds(2 * attempt));
	return attempt_task(task, attempt);
}

int run_task(const char *, int, const Task &task, Store &store)
{
	for (int attempt = 1;; attempt++) {
		try {
			int rows = attempt == 1 ? attempt_task(task, 1) : retry_task(task, attempt);

			store.store_result(task, rows);
			return rows;
		} catch (const std::runtime_error &) {
			if (attempt == 4)
				return -1;
		}
	}
}

Pool::Pool(int threads, Store &store) : store_(store)
{
	for (int i = 0; i < threads; i++)
		threads_.emplace_back([this] { serve(); });
}

Pool::~Pool()
{
	{
		std::lock_guard<std::mutex> guard(lock_);
		closed_ = true;
	}
	filled_.notify_all();
	for (std::thread &thread : threads_)
		thread.join();
}

void Pool::serve()
{
	std::unique_lock<std::mutex> guard(lock_);

	for (;;) {
		filled_.wait(guard, [this] { return closed_ || !queue_.empty(); });
		if (queue_.empty())
			return;
		Task task = std::move(queue_.front());
		queue_.pop_front();
		busy_++;
		guard.unlock();
		run_task(task.name.c_str(), task.id, task, store_);
		guard.lock();
		if (--busy_ == 0 && queue_.empty())
			idle_.notify_all();
	}
}

void Pool::submit_task(Task task)
{
	{
		std::lock_guard<std::mutex> guard(lock_);
		queue_.push_back(std::move(task));
	}
	filled_.notify_one();
}

void Pool::wait_idle()
{
	std::unique_lock<std::mutex> guard(lock_);

	idle_.wait(guard, [this] { return busy_ == 0 && queue_.empty(); });
}

void Pipeline::run_stage(const char *stage, int tasks)
{
	for (int i = 0; i < tasks; i++) {
		// Every seventh task fails once; one in each fifth run, as often as it is tried.
		int number = run_ * 10 + i;
		int failures = run_ % 5 == 3 && i == 0 ? 9 : number % 7 == 6 ? 1 : 0;

		pool_.submit_task({number, std::string(stage) + "-" + std::to_string(i),
				   100 + 10 * i, failures});
	}
	pool_.wait_idle();
}

// Done by a thread of its own, started inside the pipeline.
void Pipeline::publish_report()
{
	work_for(milliseconds(1 + run_ % 3));
}

void Pipeline::run_pipeline()
{
	run_stage("extract", 3);
	run_stage("transform", 4);
	fetch_records("lookup", 50);
	run_stage("load", 2);
	std::thread publisher([this] { publish_report(); });
	publisher.join();
}

} // namespace flow

int main(int argc, char **argv)
{
	static const char *const names[] = {"orders", "customers", "invoices"};
	steady_clock::time_point end = steady_clock::time_point::max();
	flow::Store store;
	int run = 0;

	if (argc == 3 && !std::strcmp(argv[1], "--seconds"))
		end = steady_clock::now() + seconds(std::atoi(argv[2]));
	std::signal(SIGTERM, [](int) { stopping = true; });
	std::signal(SIGINT, [](int) { stopping = true; });
	std::printf("workflow: running as PID %d\n", static_cast<int>(getpid()));
	std::fflush(stdout);
	{
		flow::Pool pool(4, store);

		for (; !stopping && steady_clock::now() < end; run++) {
			flow::Pipeline(names[run % 3], run, pool).run_pipeline();
			work_for(milliseconds(150));
		}
	}
	std::printf("workflow: %d pipelines, %ld rows stored\n", run, store.rows_stored.load());
	return 0;
}
