// The thread beside the loops.
#include "gateway/side_thread.hpp"

#include <pthread.h>

namespace penstock::gateway {

side_thread::side_thread() : thread_([this](const std::stop_token& stop) { work_off(stop); }) {
    pthread_setname_np(thread_.native_handle(), "side");
}

void side_thread::add(job& work, std::coroutine_handle<> caller) {
    {
        const std::lock_guard held(mutex_);
        queue_.push_back({&work, caller});
    }
    more_.notify_one();
}

void side_thread::work_off(const std::stop_token& stop) {
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

}  // namespace penstock::gateway
