// Every option of the worker, its struct's value its default.
#include "worker/command_line.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <sstream>
#include <string>

namespace penstock::worker {
namespace {

constexpr double longest_seconds = 7 * 86'400;  // of any time that is given
constexpr double shortest_seconds = 0.001;      // of a time that must not be none

// As the engine has it: bulk is never kept out for good.
const CLI::Validator share_below_one(
    [](std::string& text) -> std::string {
        double share = 0;
        if (CLI::detail::lexical_cast(text, share) && share >= 0 && share < 1) return {};
        return "Value " + text + " not in range [0, 1)";
    },
    "FLOAT in [0, 1)"
);

// Adds options to a group of the help.
class option_group {
 public:
    option_group(CLI::App& app, const char* title) : app_(app), title_(title) {}

    template <class T>
    CLI::Option* add(const char* name, T& into, const char* means) {
        return app_.add_option(name, into, means)->capture_default_str()->group(title_);
    }
    template <class T>
    void add_count(const char* name, T& into, const char* means) {
        add(name, into, means)->check(CLI::PositiveNumber);
    }
    // "65536", "64KiB".
    template <class T>
    void add_bytes(const char* name, T& into, const char* means) {
        add(name, into, means)->transform(CLI::AsSizeValue(false));
    }
    void add_seconds(const char* name, duration& into, const char* means, double least) {
        const auto take = [&into](double seconds) {
            into = std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
        };
        std::ostringstream now;
        now << std::chrono::duration<double>(into).count();
        app_.add_option_function<double>(name, take, means)
            ->check(CLI::Range(least, longest_seconds))
            ->default_str(now.str())
            ->group(title_);
    }

 private:
    CLI::App& app_;
    const char* title_;
};

void add_model_options(CLI::App& app, worker_options& o) {
    option_group group(app, "Model");
    group.add("--model", o.model, "the folder of a Hugging Face checkpoint")->required();
    group.add("--served-name", o.served_name, "name in /v1/models; the folder's by default");
    group.add("--device", o.device, "auto, cpu or cuda:N");
    group.add("--threads", o.threads, "of the CPU; 0: one a core");
    group.add_count("--read-threads", o.read_threads, "of a tensor of the checkpoint");
    group.add("--max-positions", o.max_positions, "of prompt and answer; 0: the model's");
}

void add_engine_options(CLI::App& app, engine_options& e) {
    option_group group(app, "Engine");
    group.add_count("--max-sequences", e.max_sequences, "in one step");
    group.add_count("--max-step-tokens", e.max_step_tokens, "the token budget of one step");
    group.add("--max-waiting", e.max_waiting, "generations per class; more are refused");
    group.add(
        "--max-overtakes", e.max_overtakes, "later ones let in before one that does not fit yet"
    );
    group.add_bytes("--kv-bytes", e.kv_bytes, "for keys and values, as 1GiB");
    group.add("--bulk-reserve", e.bulk_reserve, "share that bulk may not take")
        ->check(share_below_one);
    group.add_seconds(
        "--max-bulk-age", e.max_bulk_age, "in seconds; older bulk counts as realtime", 0
    );
    group.add("--cache-domain", e.cache_domain, "part of every prefix hash; the weights'");
    const auto forget = [&e] { e.reuse_prefixes = false; };
    app.add_flag_callback("--no-prefix-cache", forget, "compute every prompt anew")
        ->group("Engine");
}

void add_request_options(CLI::App& app, request_limits& most, template_limits& chat) {
    option_group group(app, "One request");
    group.add_count("--max-choices", most.max_choices, "answers: prompts times n");
    group.add("--max-stops", most.max_stops, "stop strings");
    group.add_bytes("--max-stop-bytes", most.max_stop_bytes, "of one stop string");
    group.add("--max-stop-ids", most.max_stop_ids, "stop_token_ids");
    group.add("--max-biases", most.max_biases, "tokens of logit_bias");
    group.add_bytes("--max-salt-bytes", most.max_salt_bytes, "of a cache salt");
    group.add("--json-depth", most.json_depth, "of the body")->check(CLI::Range(4, 1024));
    group.add_bytes("--template-output-bytes", chat.output_bytes, "of a rendered conversation");
    group.add_count("--template-steps", chat.steps, "of the chat template's interpreter");
    group.add("--template-depth", chat.depth, "of its loops, macros and values")
        ->check(CLI::Range(8, 256));
}

void add_door_options(CLI::App& app, front_options& door) {
    option_group group(app, "Connections");
    app.add_option("--listen", door.listen, "127.0.0.1:8100 or unix:/path; may be repeated")
        ->required()
        ->group("Connections");
    group.add_count("--backlog", door.backlog, "connections that wait to be accepted");
    group.add_count("--max-connections", door.max_connections, "at once");
    group.add_bytes("--head-bytes", door.server.head.head_bytes, "of a request's head");
    group.add_bytes("--target-bytes", door.server.head.target_bytes, "of its path and query");
    group.add_count("--max-headers", door.server.head.num_headers, "lines of a head");
    group.add_bytes("--body-bytes", door.server.body_bytes, "of one request");
    group.add_bytes("--bodies-bytes", door.bodies_bytes, "of all requests being read");
    group.add_bytes(
        "--in-place-bytes", door.service.in_place_bytes, "longer bodies are read beside the loop"
    );
    group.add_count("--text-threads", door.service.text_threads, "that read long bodies");
    group.add("--max-waiting-texts", door.service.max_waiting_texts, "long bodies that may wait");
}

void add_times(CLI::App& app, worker_options& o) {
    option_group group(app, "Times, in seconds");
    const auto add = [&](const char* name, duration& into, const char* means) {
        group.add_seconds(name, into, means, shortest_seconds);
    };
    add("--head-timeout", o.door.server.head_timeout, "from a head's first byte to its last");
    add("--body-timeout", o.door.server.body_timeout, "for a whole body");
    add("--idle-timeout", o.door.server.idle_timeout, "between two requests");
    add("--stall-timeout", o.door.server.stall_timeout, "for a client that reads not");
    group.add_seconds(
        "--keepalive-after",
        o.door.service.keepalive_after,
        "a comment in a stream that waits for its first token, and then as often; 0: none",
        0
    );
    group.add_seconds("--drain-timeout", o.drain_timeout, "for answers after SIGTERM", 0);
}

}  // namespace

command_line_read read_command_line(int argc, const char* const* argv, const char* version) {
    CLI::App app{"Penstock's inference worker: serves one model with OpenAI's API"};
    app.set_version_flag("--version", std::string("penstock-worker ") + version);
    command_line line;
    add_model_options(app, line.options);
    add_engine_options(app, line.options.engine);
    add_request_options(app, line.options.requests, line.options.chat);
    add_door_options(app, line.options.door);
    add_times(app, line.options);
    app.add_option("--lifeline", line.lifeline, "a pipe; exits when its other end is closed");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& ended) {
        return {std::nullopt, app.exit(ended)};
    }
    return {std::move(line), 0};
}

}  // namespace penstock::worker
