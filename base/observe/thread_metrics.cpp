// Counting: index computations and single-writer stores, on the thread that owns the cells.
#include "thread_cells.hpp"

#include <charconv>

namespace penstock::observe {
namespace {

constexpr std::string_view known(std::string_view name) noexcept {
    return name.empty() ? std::string_view("other") : name;
}

constexpr bool came(time_point t) noexcept {
    return t != time_point{};
}

void record_times(model_cells& model, const request_record& r) noexcept {
    const bool dispatched = came(r.dispatched);
    const duration waited = r.queue_wait - r.waited_elsewhere;
    if (dispatched || waited > duration::zero())
        model.queue_wait[static_cast<std::size_t>(r.klass)].record(waited);
    if (!dispatched || !came(r.first_byte)) return;
    if (r.streamed) model.first_byte.record(r.first_byte - r.arrived);
    if (!came(r.last_byte)) return;
    if (r.streamed) model.stream_duration.record(r.last_byte - r.first_byte);
    model.request_duration.record(r.last_byte - r.arrived);
}

}  // namespace

thread_metrics::thread_metrics(shared& process) : cells_(std::make_unique<cells>(process)) {}
thread_metrics::~thread_metrics() = default;

model_slot thread_metrics::model(std::string_view name) {
    return &cells_->models.at({known(name)});
}

void thread_metrics::finished(const request_record& r) {
    const std::string_view name = known(r.model);
    char status[12];
    const auto end = std::to_chars(status, status + sizeof status, r.status).ptr;
    const std::string_view code(status, static_cast<std::size_t>(end - status));
    cells_->requests.at({known(r.route), name, code}).add(1);
    // An upstream's own refusal has no reason of ours: it is told by the status in `requests`.
    if ((r.end == ending::refused || r.end == ending::expired) && !r.reason.empty())
        cells_->refusals.at({r.reason, name}).add(1);
    if (r.connect > duration::zero()) cells_->connect.record(r.connect);

    // What was done is of the model that did it; what was asked for, and told, of the one named.
    model_cells& model = cells_->models.at({r.fell_back_to.empty() ? name : r.fell_back_to});
    model.tokens[static_cast<std::size_t>(direction::prompt)].add(r.used.prompt);
    model.tokens[static_cast<std::size_t>(direction::cached)].add(r.used.cached);
    model.tokens[static_cast<std::size_t>(direction::output)].add(r.used.output);
    record_times(model, r);
}

void thread_metrics::between_chunks(model_slot model, duration since) noexcept {
    model->between_chunks.record(since);
}

counted thread_metrics::in_flight(model_slot model) noexcept {
    return count_one(model->in_flight);
}

void thread_metrics::retried(std::string_view model, std::string_view reason) {
    cells_->retries.at({known(model), known(reason)}).add(1);
}

void thread_metrics::fell_back(
    std::string_view model, std::string_view reason, request_class klass, duration waited
) {
    cells_->fallbacks.at({known(model), known(reason)}).add(1);
    if (waited > duration::zero())
        cells_->models.at({known(model)})
            .queue_wait[static_cast<std::size_t>(klass)]
            .record(waited);
}

void thread_metrics::handler_exception() noexcept {
    cells_->handler_exceptions.add(1);
}

}  // namespace penstock::observe
