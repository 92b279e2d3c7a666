// One request's answers: given to the engine, waited for, written to the client.
#pragma once

#include "penstock/http/server.hpp"
#include "worker/api/answer_writer.hpp"
#include "worker/api/token_inbox.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace penstock::worker {

struct generation_wishes {
    request_class traffic_class = request_class::realtime;
    std::string cache_salt;  // of the head: the tenant's, which no body can step out of
    bool no_keepalive = false;
};

// The generations of one request. Whatever ends it, none of them outlives it by more than a step:
// they are aborted when the client leaves, streamed or not and also while they wait in the queue.
class answering final : public io::departure_watcher {
 public:
    // `seed` is that of the first choice where the request names none; each next one has one more.
    // `keepalive_after` is that of service_options.
    answering(
        http::exchange& x,
        const prepared_request& request,
        const served_model& model,
        engine& running,
        std::uint64_t seed,
        duration keepalive_after
    );
    ~answering();
    answering(const answering&) = delete;
    answering& operator=(const answering&) = delete;

    // Every generation to the engine. An error leaves those that it had taken before running, until
    // this is destroyed and aborts them. Errors: queue_full with a Retry-After; no_replica when the
    // engine has stopped; context_length_exceeded.
    stage_result<> submit(const generation_wishes& wishes);

    // Writes the answer. The head of a stream must have been started; it leaves with the first
    // token, so that what fails before it is still an error of its own, or with the first comment
    // that keeps a client's proxies patient. `head` are the lines of an answer that is no stream.
    // Errors: client_gone, internal, draining.
    io::task<stage_result<>> write(answer_writer& writer, const std::string& head);

    // The worker stops and waits no longer.
    void cut() noexcept;
    void on_departure() noexcept override;

 private:
    struct part {
        part(const prepared_request& request, const served_model& model) : text(request, model) {}
        choice text;
        generation_id id = 0;
        bool submitted = false, ended = false;
        bool begun = false, closed = false;  // written: its first event, its last
        generation_summary summary;
    };

    generation generation_of(const prepared_prompt& prompt, std::uint32_t index) const;
    stage_result<> goes_on() const;
    io::task<stage_result<>> write_stream(answer_writer& writer);
    // False: `until` has come.
    io::task<stage_result<bool>> wait_for_more(time_point until);
    stage_result<> write_comment();
    stage_result<> take_arrivals();
    stage_result<> end_of(part& of, const generation_summary& summary) const;
    void append_events(answer_writer& writer, std::string& out);
    bool all_ended() const noexcept;
    answer_usage used() const noexcept;
    void abort_all() noexcept;

    http::exchange& x_;
    const prepared_request& request_;
    const served_model& model_;
    engine& engine_;
    const std::uint64_t seed_;
    const duration keepalive_after_;
    time_point comment_at_ = never;  // the next one, while the first token is awaited
    io::alarm rung_;
    std::shared_ptr<token_inbox> inbox_;
    std::vector<std::unique_ptr<part>> parts_;
    std::vector<token_inbox::arrival> arrivals_;
    bool client_left_ = false, was_cut_ = false;
};

}  // namespace penstock::worker
