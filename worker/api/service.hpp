// The worker's routes on one loop: what every handler may use, and how requests end.
#pragma once

#include "worker/api/answering.hpp"
#include "worker/api/front_options.hpp"
#include "worker/api/request_counts.hpp"
#include "worker/api/served_model.hpp"
#include "worker/api/text_pool.hpp"

#include <random>
#include <string>
#include <string_view>
#include <unordered_set>

namespace penstock::worker {

struct request_scope;

class service final : public http::handler {
 public:
    // All must outlive it.
    service(
        engine& running,
        const served_model& model,
        const service_options& options,
        const gate& serving,
        std::uint64_t random
    );

    io::task<void> handle(http::exchange& x) override;
    io::task<void> refuse(http::exchange& x, refusal why) override;

    // Answers that still run end with an error, in a stream as its last event. The loop's thread.
    void cut_answers() noexcept;

    engine& running() noexcept { return engine_; }
    const served_model& model() const noexcept { return model_; }
    const service_options& options() const noexcept { return options_; }
    const gate& serving() const noexcept { return serving_; }
    text_pool& texts() noexcept { return texts_; }
    const request_counts& counts() const noexcept { return counts_; }
    std::uint64_t random() { return random_(); }

    // While an answer is among them, `cut_answers` reaches it.
    class running_answer {
     public:
        running_answer(service& host, answering& which) : host_(host), which_(which) {
            host_.answers_.insert(&which_);
        }
        ~running_answer() { host_.answers_.erase(&which_); }
        running_answer(const running_answer&) = delete;
        running_answer& operator=(const running_answer&) = delete;

     private:
        service& host_;
        answering& which_;
    };

 private:
    io::task<stage_result<>> dispatch(request_scope& r);
    io::task<void> tell_client(request_scope& r, const refusal& why);

    engine& engine_;
    const served_model& model_;
    const service_options options_;
    const gate& serving_;
    std::mt19937_64 random_;
    text_pool texts_;
    request_counts counts_;
    std::unordered_set<answering*> answers_;
};

// One request on its way through a handler.
struct request_scope {
    http::exchange& x;
    service& host;
    std::string_view route = "other";  // of the table; for the metrics
    std::string allowed;               // methods of a route that does not take this one
    std::string path_model;            // named by the path
    std::string headers;               // lines of every answer: x-request-id
    int status = 0;                    // as told to the client
    bool is_stream = false;            // errors behind the head are events

    // Answers with a whole body.
    io::task<stage_result<>> respond(int code, std::string_view type, std::string_view body);
};

// Runs `work` where the request's size says: in place, or beside the loop. False: too many wait.
io::task<bool> run_text_work(request_scope& r, std::function<void()> work);

}  // namespace penstock::worker
