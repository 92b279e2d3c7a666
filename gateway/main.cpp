// The command line: serve (the default), check, explain, key new, replica, simulate.
#include "gateway/endpoints.hpp"
#include "gateway/explain_command.hpp"
#include "gateway/gateway.hpp"
#include "gateway/replica_command.hpp"
#include "gateway/settings/keys.hpp"
#include "gateway/settings/load.hpp"
#include "gateway/settings/print.hpp"
#include "gateway/settings/scalars.hpp"
#include "gateway/settings/schema.hpp"
#include "penstock/observe/log.hpp"
#include "simulator/command/command.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <signal.h>

namespace {

namespace fs = std::filesystem;
namespace log = penstock::observe::log;
namespace settings = penstock::settings;
using penstock::gateway::gateway;

settings::load_options options() {
    const auto routes = penstock::gateway::canonical_routes();
    settings::load_options o;
    o.routes.assign(routes.begin(), routes.end());
    return o;
}

int check(const std::string& file, bool schema) {
    if (schema) {
        std::cout << settings::json_schema();
        return 0;
    }
    auto loaded = settings::load_file(file, options());
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded)) {
        std::cerr << settings::to_text(file, std::move(*mistakes));
        return 1;
    }
    auto& good = std::get<settings::loaded>(loaded);
    for (const auto& warning : good.warnings)
        std::cerr << file << ": " << warning << '\n';
    std::cout << settings::effective(good.settings);
    return 0;
}

int make_key() {
    const settings::new_key made = settings::make_key();
    std::cout << "key:    " << made.key << "\nsha256: " << made.sha256 << '\n';
    return 0;
}

// Reloads when asked, or when the file changed; a bad file is refused with all its mistakes.
class reloader {
 public:
    reloader(gateway& serving, std::string file) : serving_(serving), file_(std::move(file)) {
        look();
    }

    void reload(const char* why) {
        look();
        auto loaded = settings::load_file(file_, options());
        if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded)) {
            const auto text = settings::to_text(file_, std::move(*mistakes));
            log::error("settings_refused", {{"because", why}, {"mistakes", text}});
            return;
        }
        auto& good = std::get<settings::loaded>(loaded);
        if (auto swapped = serving_.reload(good.settings); swapped.has_error())
            return log::error(
                "settings_refused", {{"because", why}, {"mistakes", swapped.error().detail}}
            );
        log::info(
            "settings_reloaded", {{"because", why}, {"config", settings::digest(good.settings)}}
        );
    }

    void reload_if_changed() {
        std::error_code missing;
        const auto now = fs::last_write_time(file_, missing);
        if (!missing && now != changed_) reload("the file changed");
    }

 private:
    void look() {
        std::error_code missing;
        changed_ = fs::last_write_time(file_, missing);
    }
    gateway& serving_;
    std::string file_;
    fs::file_time_type changed_;
};

sigset_t our_signals() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int each : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&ours, each);
    return ours;
}

int serve(const std::string& file) {
    const sigset_t ours = our_signals();
    pthread_sigmask(SIG_BLOCK, &ours, nullptr);  // before any thread: only this one takes them
    signal(SIGPIPE, SIG_IGN);
    auto loaded = settings::load_file(file, options());
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded)) {
        std::cerr << settings::to_text(file, std::move(*mistakes));
        return 1;
    }
    auto& good = std::get<settings::loaded>(loaded);
    for (const auto& warning : good.warnings)
        log::warning("settings", {{"warning", warning}});
    gateway serving(good.settings);
    if (auto started = serving.start(); started.has_error()) {
        log::error("not_started", {{"why", started.error().detail}});
        return 1;
    }
    for (const auto& address : serving.addresses())
        log::info("listening", {{"address", address}});

    reloader reloads(serving, file);
    constexpr timespec look_at_file_every{1, 0};
    while (true) {
        const int signal = sigtimedwait(&ours, nullptr, &look_at_file_every);
        if (signal == SIGHUP) {
            serving.reopen_log();
            reloads.reload("SIGHUP");
        } else if (signal == SIGTERM || signal == SIGINT) {
            break;
        } else {
            reloads.reload_if_changed();
        }
    }
    log::info("draining", {});
    // A second signal does not wait.
    pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
    serving.drain(serving.drain_time());
    log::info("stopped", {});
    return 0;
}

using penstock::gateway::replica_order;

// Before the verb or behind it: one option each, since the environment would fill in the verbs'
// own, too, also over what was said.
void add_replica_options(CLI::App& command, replica_order& order) {
    command.add_option("--admin", order.admin, "where the gateway answers: a URL or unix:PATH")
        ->envname("PENSTOCK_ADMIN");
    command.add_option("--key", order.key, "its master key; better kept in the environment")
        ->envname("PENSTOCK_MASTER_KEY");
}

void add_replica_verb(
    CLI::App& parent, const char* verb, const char* help, replica_order& order, std::string& wait
) {
    auto* command = parent.add_subcommand(verb, help);
    command->callback([&order, verb] { order.verb = verb; });
    if (verb != std::string_view("list"))
        command->add_option("ID", order.id, "the replica, as `list` names it")->required();
    if (verb == std::string_view("drain"))
        command->add_option("--wait", wait, "until it is empty, at most so long: 30s, 5m");
    command->fallthrough();
}

int run_replica(replica_order order, const std::string& wait) {
    if (!wait.empty()) {
        const auto time = settings::parse_duration(wait);
        if (!time) {
            std::cerr << "penstock replica: --wait must be a duration with its unit, such as 30s\n";
            return static_cast<int>(penstock::gateway::replica_exit::refused);
        }
        order.wait = *time;
    }
    signal(SIGPIPE, SIG_IGN);
    return static_cast<int>(penstock::gateway::order_replica(order, std::cout, std::cerr));
}

using penstock::gateway::explain_exit;
using penstock::gateway::explain_order;

struct explain_arguments {
    explain_order order{.admin = "http://127.0.0.1:4000"};
    std::string request;  // a file, or "-"
    std::string config;   // of an idle gateway; empty: one that runs is asked
};

CLI::App* add_explain(CLI::App& parent, explain_arguments& a) {
    auto* command = parent.add_subcommand("explain", "what would become of a request, and why");
    command->add_option("REQUEST", a.request, "a question as JSON: a file, or - for the input");
    command->add_option("--admin", a.order.admin, "where the gateway answers: a URL or unix:PATH")
        ->envname("PENSTOCK_ADMIN");
    command->add_option("--key", a.order.key, "its master key; better kept in the environment")
        ->envname("PENSTOCK_MASTER_KEY");
    command->add_option("--config", a.config, "instead: an idle gateway with this settings file");
    command->add_flag("--json", a.order.as_json, "the answer as it came");
    command->add_option("--path", a.order.path, "its path; /v1/chat/completions");
    command->add_option("--model", a.order.model, "the model that it names");
    command->add_option("--bytes", a.order.bytes, "of its text");
    command->add_option("--max-tokens", a.order.max_tokens, "of the answer");
    command->add_option("--as", a.order.key_name, "whose it is: the name of a key");
    command->add_option("--class", a.order.klass, "realtime or bulk");
    command->add_flag("--stream", a.order.stream, "its answer is streamed");
    return command;
}

// False: there is no such file.
bool read_all(const std::string& file, std::string& text) {
    std::ifstream opened;
    if (file != "-") opened.open(file);
    std::istream& in = file == "-" ? std::cin : opened;
    text.assign(std::istreambuf_iterator<char>(in), {});
    return !in.bad() && (file == "-" || opened.is_open());
}

int run_explain(explain_arguments a) {
    signal(SIGPIPE, SIG_IGN);
    constexpr int refused = static_cast<int>(explain_exit::refused);
    if (!a.request.empty() && !read_all(a.request, a.order.question)) {
        std::cerr << "penstock explain: " << a.request << " cannot be read\n";
        return refused;
    }
    if (a.config.empty())
        return static_cast<int>(penstock::gateway::explain_running(a.order, std::cout, std::cerr));
    auto loaded = settings::load_file(a.config, options());
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded)) {
        std::cerr << settings::to_text(a.config, std::move(*mistakes));
        return refused;
    }
    auto& good = std::get<settings::loaded>(loaded);
    const auto idle = [&](std::string_view question) {
        return gateway::explain_idle(good.settings, question);
    };
    return static_cast<int>(penstock::gateway::explain_here(a.order, idle, std::cout, std::cerr));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Penstock: one entry point for a company's language models"};
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", std::string("penstock ") + penstock::gateway::version());
    std::string file = "config/penstock.yaml";
    app.add_option("--config", file, "the settings file");
    auto* serve_command = app.add_subcommand("serve", "serve (the default)");
    serve_command->add_option("--config", file, "the settings file");
    auto* check_command =
        app.add_subcommand("check", "validate a settings file and print it in full");
    bool schema = false;
    check_command->add_option("FILE", file, "the settings file");
    check_command->add_flag("--schema", schema, "print the JSON schema of the settings");
    auto* key_command = app.add_subcommand("key", "client keys");
    key_command->require_subcommand(1);
    auto* key_new = key_command->add_subcommand("new", "print a new key and its digest");
    auto* replica_command =
        app.add_subcommand("replica", "take replicas of a running gateway out, and back");
    replica_command->require_subcommand(1);
    replica_order order{.admin = "http://127.0.0.1:4000"};
    std::string wait;
    add_replica_options(*replica_command, order);
    for (const auto& [verb, help] : {
             std::pair{"list", "how each replica is"},
             std::pair{"cordon", "no new request; what it has goes on"},
             std::pair{"drain", "no new request, and those that wait are refused"},
             std::pair{"resume", "back, warmed after a long absence"},
         })
        add_replica_verb(*replica_command, verb, help, order, wait);
    explain_arguments explained;
    auto* explain_command = add_explain(app, explained);
    penstock::simulator::arguments simulated;
    auto* simulate_command = penstock::simulator::add_command(app, simulated);
    CLI11_PARSE(app, argc, argv);
    try {
        if (*check_command) return check(file, schema);
        if (*key_new) return make_key();
        if (*replica_command) return run_replica(order, wait);
        if (*explain_command) return run_explain(explained);
        if (*simulate_command)
            return penstock::simulator::simulate(simulated, options(), std::cout, std::cerr);
        return serve(file);
    } catch (const std::exception& failed) {
        std::cerr << "penstock: " << failed.what() << '\n';
        return 1;
    }
}
