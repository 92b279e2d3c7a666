// The composition root of the worker: a folder becomes a model, an engine, a text and a door.
#include "worker/worker.hpp"

#include "penstock/observe/log.hpp"
#include "worker/api/front.hpp"
#include "worker/engine/start.hpp"
#include "worker/fingerprint.hpp"
#include "worker/models/catalogue.hpp"
#include "worker/ops/backends.hpp"

#include <optional>

namespace penstock::worker {
namespace {

namespace fs = std::filesystem;
namespace log = observe::log;

error wrong_option(const char* name, const char* what) {
    return {errc::invalid_value, std::string(name) + " " + what};
}

result<void> check(const worker_options& options) {
    std::error_code failed;
    if (options.model.empty()) return wrong_option("model", "is missing");
    if (!fs::is_directory(options.model, failed))
        return error(errc::invalid_value, options.model.string() + " is not a folder");
    if (options.door.listen.empty()) return wrong_option("listen", "names no address");
    if (options.requests.max_choices == 0) return wrong_option("max-choices", "must be at least 1");
    if (options.door.max_connections == 0)
        return wrong_option("max-connections", "must be at least 1");
    if (options.door.server.body_bytes == 0)
        return wrong_option("body-bytes", "must be at least 1");
    if (options.read_threads == 0) return wrong_option("read-threads", "must be at least 1");
    if (options.door.service.text_threads == 0)
        return wrong_option("text-threads", "must be at least 1");
    return success();
}

std::string folder_name(const fs::path& folder) {
    const fs::path whole = fs::weakly_canonical(folder);
    return whole.filename().string();
}

std::int64_t unix_seconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// Told at every tenth of the way.
auto report_progress() {
    return [told = std::uint64_t{0}](load_progress at) mutable {
        if (at.bytes_total == 0) return;
        const std::uint64_t tenth = at.bytes_read * 10 / at.bytes_total;
        if (tenth <= told) return;
        told = tenth;
        log::info("loading", {{"percent", tenth * 10}, {"bytes", at.bytes_read}});
    };
}

result<served_model> load_text(const worker_options& options) {
    TRY(tokenizer tokens, tokenizer::load(options.model));
    TRY(const generation_defaults defaults, load_generation_defaults(options.model, tokens));
    std::optional<chat_template> chat;
    // A base model has no template, and serves /v1/completions alone; a bad template is an error.
    TRY(const bool can_chat, chat_template::exists(options.model));
    if (can_chat) {
        TRY(chat_template loaded, chat_template::load(options.model, options.chat));
        chat.emplace(std::move(loaded));
    } else {
        log::warning("no_chat_template", {{"served", "/v1/completions only"}});
    }
    const std::string root = folder_name(options.model);
    served_model model(
        options.served_name.empty() ? root : options.served_name,
        std::move(tokens),
        std::move(chat),
        defaults
    );
    model.root = root;
    model.created = unix_seconds();
    model.rules.most = options.requests;
    // More than may wait at once would never be let in.
    model.rules.most.max_choices =
        std::min(options.requests.max_choices, options.engine.max_waiting);
    return model;
}

struct loaded_engine {
    std::unique_ptr<engine> running;
    std::string fingerprint;
};

result<loaded_engine> load_engine(const worker_options& options, std::uint32_t num_tokens) {
    TRY(std::unique_ptr<backend> device,
        open_backend(options.device, {.threads = options.threads}));
    TRY(checkpoint weights, checkpoint::open(options.model));
    weights.on_progress(report_progress());
    weights.set_readers(options.read_threads);
    TRY(std::unique_ptr<language_model> model,
        load_model(options.model, weights, *device, {.max_positions = options.max_positions}));
    const model_shape shape = model->shape();
    if (num_tokens > shape.vocabulary)
        return error(
            errc::invalid_value,
            "tokenizer.json has " + std::to_string(num_tokens) + " tokens, and config.json says " +
                std::to_string(shape.vocabulary) + " (vocab_size)"
        );
    log::info(
        "loaded",
        {{"device", device->name()},
         {"parameters", shape.num_parameters},
         {"max_positions", shape.max_positions},
         {"vocabulary", shape.vocabulary}}
    );
    TRY(const std::string identity, weights_identity(options.model, weights));
    TRY(const std::string text, text_identity(options.model));
    engine_options settings = options.engine;
    if (settings.cache_domain.empty()) settings.cache_domain = identity;
    loaded_engine made;
    made.fingerprint = system_fingerprint(identity, text, version(), device->name());
    TRY(made.running, start_engine(std::move(device), std::move(model), settings));
    return made;
}

front_options door_of(const worker_options& options) {
    front_options door = options.door;
    door.service.version = version();
    return door;
}

class composed final : public worker {
 public:
    composed(served_model model, std::unique_ptr<engine> running, duration drain_timeout)
        : model_(std::move(model)), engine_(std::move(running)), drain_timeout_(drain_timeout) {
        model_.fit(*engine_);
    }
    ~composed() override { stop(); }
    composed(const composed&) = delete;
    composed& operator=(const composed&) = delete;

    result<void> listen(const front_options& door) {
        TRY(front_, front::open(*engine_, model_, door));
        for (const auto& address : front_->addresses())
            log::info("listening", {{"address", address}, {"model", model_.rules.model}});
        return success();
    }

    std::uint16_t port() const noexcept override { return front_->port(); }
    const std::vector<std::string>& addresses() const noexcept override {
        return front_->addresses();
    }

    // The engine ends between the door's last request and the door's loop, which its tokens go to.
    void stop() override {
        if (!engine_) return;
        if (front_) front_->stop(drain_timeout_);
        engine_.reset();
    }

 private:
    served_model model_;
    std::unique_ptr<front> front_;
    std::unique_ptr<engine> engine_;
    const duration drain_timeout_;
};

}  // namespace

const char* version() noexcept {
    return PENSTOCK_VERSION;
}

result<std::unique_ptr<worker>> worker::start(const worker_options& options) {
    CHECK(check(options));
    TRY(served_model model, load_text(options));
    TRY(loaded_engine loaded, load_engine(options, model.tokens.size()));
    model.fingerprint = std::move(loaded.fingerprint);
    auto made = std::make_unique<composed>(
        std::move(model), std::move(loaded.running), options.drain_timeout
    );
    CHECK(made->listen(door_of(options)));
    return std::unique_ptr<worker>(std::move(made));
}

}  // namespace penstock::worker
