// The threads of long text work.
#include "worker/api/text_pool.hpp"

#include <pthread.h>
#include <string>

namespace penstock::worker {

text_pool::text_pool(unsigned num_threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
    for (unsigned i = 0; i < num_threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { work_off(stop); });
        const std::string name = "text " + std::to_string(i);
        pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
}

text_pool::~text_pool() {
    for (auto& each : threads_)
        each.request_stop();
}

// The job lies in the frame of its caller, who may go on, and end, before this returns.
bool text_pool::job::await_suspend(std::coroutine_handle<> h) {
    {
        const std::lock_guard held(pool.mutex_);
        refused = pool.queue_.size() >= pool.waiting_max_;
        if (refused) return false;
        pool.queue_.push_back({this, h});
        pool.more_.notify_one();
    }
    return true;
}

void text_pool::work_off(const std::stop_token& stop) {
    std::unique_lock held(mutex_);
    while (more_.wait(held, stop, [this] { return !queue_.empty(); })) {
        if (stop.stop_requested()) return;
        const waiting next = queue_.front();
        queue_.pop_front();
        held.unlock();
        next.work->what();
        next.work->home.post(next.caller);
        held.lock();
    }
}

}  // namespace penstock::worker
