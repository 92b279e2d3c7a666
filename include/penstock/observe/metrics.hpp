// The metrics of the process: each thread counts in cells of its own without a lock, a scrape adds
// them up and writes Prometheus text. docs/metrics.md lists every name; a test holds both together.
#pragma once

#include "penstock/observe/cells.hpp"
#include "penstock/observe/request_record.hpp"
#include "penstock/observe/scrape_input.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::observe {

struct metrics_settings {
    // Label sets of one family at most; what is beyond is counted under "other". A guard against a
    // mistake only: labels are configured names.
    std::size_t label_sets_max = 10'000;
};

// The cells of one model on one thread.
struct model_cells;
using model_slot = model_cells*;

// Used by its own thread alone. Only the first use of a label set allocates and takes a lock.
class thread_metrics {
 public:
    struct cells;
    struct shared;

    explicit thread_metrics(shared& process);
    ~thread_metrics();
    thread_metrics(const thread_metrics&) = delete;
    thread_metrics& operator=(const thread_metrics&) = delete;

    // Good for as long as the metrics live; the empty name is "other". Kept by the request, so that
    // counting a chunk needs no look-up.
    model_slot model(std::string_view name);

    // Once for each request, by *settle*.
    void finished(const request_record& record);

    // Time since the chunk before it, for every relayed chunk but the first.
    static void between_chunks(model_slot model, duration since) noexcept;

    // In flight: from the moment the model is known until the receipt goes.
    [[nodiscard]] static counted in_flight(model_slot model) noexcept;

    void retried(std::string_view model, std::string_view reason);
    // Passed on to another model. `waited`: in the queue of this one.
    void fell_back(
        std::string_view model, std::string_view reason, request_class klass, duration waited
    );
    void handler_exception() noexcept;

 private:
    friend class metrics;
    std::unique_ptr<cells> cells_;
};

class metrics {
 public:
    explicit metrics(int num_threads, const metrics_settings& settings = {});
    ~metrics();
    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;

    thread_metrics& of_thread(int index) noexcept { return *threads_[std::size_t(index)]; }

    // A reload of the settings that was taken, or refused. Any thread.
    void reloaded(bool taken) noexcept;

    // Prometheus text format 0.0.4. Any thread, also while others count: every histogram is
    // consistent in itself, but a request may be in one family and not yet in the next.
    std::string expose(const scrape_input& input) const;

 private:
    std::unique_ptr<thread_metrics::shared> shared_;
    std::vector<std::unique_ptr<thread_metrics>> threads_;
};

}  // namespace penstock::observe
