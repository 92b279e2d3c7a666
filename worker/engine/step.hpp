// A step of the engine: plan, prepare, forward, sample, commit. Owns the device, the model, the
// cache and the scheduler; belongs to one thread and knows of no other.
#pragma once

#include "worker/cache/page_pool.hpp"
#include "worker/engine/answer.hpp"
#include "worker/engine/engine.hpp"
#include "worker/engine/meters.hpp"
#include "worker/engine/scheduler.hpp"
#include "worker/models/language_model.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::worker {

struct step_parts {
    std::unique_ptr<backend> device;  // outlives what was made of it
    std::unique_ptr<language_model> model;
    std::unique_ptr<kv_store> kv;
    page_pool_options pages;
    scheduler_options schedule;
};

class stepper {
 public:
    // What a step or a cancel changes is published to `board`, before sinks hear of it.
    stepper(step_parts parts, state_board& board);

    bool has_work() const noexcept { return !scheduler_.empty(); }

    void add(const std::shared_ptr<ticket>& from);
    // What `add` and `step` made of the queues, for all to see.
    void publish();
    // Ends those of them that are here as their readers said.
    void cancel(std::span<const generation_id> ids);
    // Throws what device, model or scheduler throw; nothing but `end_all` is called after that.
    void step();
    // Every generation ends so. `why` is what the state will say of the failure, if it is one.
    void end_all(finish reason, const std::string& why = {}) noexcept;

    // Since they were last forgotten.
    std::span<const generation_id> ended() const noexcept { return ended_; }
    void forget_ended() noexcept { ended_.clear(); }
    std::array<std::uint32_t, 2> not_let_in() const noexcept;

 private:
    // What became of a generation in this step.
    struct outcome {
        generation_id id = 0;
        bool has_token = false;
        std::size_t token = 0;  // index into sampled_
        std::optional<generation_summary> end;
    };

    void plan();
    void prepare();
    void forward();
    void sample();
    void commit();

    void prepare_part(const step_part& part);
    void accept(const step_part& part, std::size_t index, time_point now);
    generation_summary leave(const answer& a, finish reason);
    void count_end(const answer& a, finish reason) noexcept;
    void count_step(time_point now);
    void tell();
    class_state& class_of(const answer& a) noexcept;

    step_parts parts_;
    page_pool pages_;
    scheduler scheduler_;
    state_board& board_;
    std::unordered_map<generation_id, answer> answers_;

    const step_plan* plan_ = nullptr;
    time_point begun_;
    step_batch batch_;
    tensor logits_;
    std::vector<sampling_row> rows_;
    std::vector<sampled_token> sampled_;
    std::vector<outcome> outcomes_;
    std::vector<generation_id> ended_;

    engine_state state_;
    token_rate prefill_rate_, decode_rate_;
    first_token_times first_tokens_;
};

}  // namespace penstock::worker
