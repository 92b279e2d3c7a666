// What escapes from a connection or a probe is said, since nobody waits for either.
#include "gateway/upstreams/prober.hpp"
#include "gateway/upstreams/registry.hpp"
#include "gateway/worker_thread.hpp"
#include "gateway/workers_rig.hpp"
#include "policies/catalogue.hpp"

namespace penstock::gateway {
namespace {

// A registry with one loop, which runs on a thread of its own.
struct live_rig {
    live_rig() { all.push_back(std::make_unique<io::loop>(0)); }
    ~live_rig() {
        all[0]->stop();
        if (runs.joinable()) runs.join();
    }
    void run() {
        runs = std::thread([this] { all[0]->run(); });
    }

    loops all;
    registry live{
        all,
        [] { return policies::make_admission("fixed_slots", domain_spec{}, io::loop::exact_now()); }
    };
    std::thread runs;
};

// A model of which the settings know nothing: asking them for its warm-up throws.
std::shared_ptr<snapshot> with_a_model_that_is_not_set(
    registry& live, const scripted_upstream& upstream
) {
    auto made = std::make_shared<snapshot>();
    settings::replica replica;
    replica.url = "http://127.0.0.1:" + std::to_string(upstream.port());
    domain_spec spec;
    spec.id = "chat";
    spec.pools.push_back({.id = "p", .replicas = {{.id = "p/r", .slots = 1}}});
    model_entry model{.name = "chat", .admission = &live.domain_for("chat")};
    const auto numbers = model.admission->settings_changed(spec, {}, io::loop::exact_now());
    replica_entry entry{.id = "p/r", .index = numbers.replicas[0][0]};
    entry.where = live.upstream_for(replica, made->settings).value();
    entry.own_headers = "Host: a\r\n";
    pool_entry pool{.id = "p", .index = numbers.pools[0]};
    pool.replicas.push_back(std::move(entry));
    version_entry version{.id = "v"};
    version.pools.push_back(std::move(pool));
    model.versions.push_back(std::move(version));
    made->models.push_back(std::move(model));
    return made;
}

TEST(escaped, of_a_probe_is_an_error_that_names_the_replica_and_holds_up_no_end) {
    const captured_log log;
    const scripted_upstream upstream;
    live_rig rig;
    prober probes(*rig.all[0], [](const std::string&) {});
    const auto settings = with_a_model_that_is_not_set(rig.live, upstream);
    rig.run();
    rig.all[0]->post([&] { probes.follow(settings); });
    ASSERT_TRUE(log.wait_for("probe_failed"));
    const auto line = log.of("probe_failed")[0];
    EXPECT_EQ(line["level"], "error");
    EXPECT_EQ(line["of"], "p/r");
    EXPECT_EQ(line["why"], "map::at");
    rig.all[0]->post([&] { probes.stop(); });
    EXPECT_TRUE(eventually([&] { return probes.has_stopped(); }));
}

TEST(escaped, of_a_connection_is_an_error) {
    const captured_log log;
    limiter limits(policies::make_limiting("unlimited"));
    learned_shards learned(16);
    observe::metrics metrics(1);
    http::body_budget bodies(1);
    gate serving;
    side_thread side;
    shared_parts parts{
        .limits = limits,
        .learned = learned,
        .metrics = metrics,
        .log = nullptr,
        .bodies = bodies,
        .serving = serving,
        .connections_max = 1,
        .side = side,
        .expose_metrics = [] { return std::string(); }
    };
    io::loop home(0);
    auto settings = std::make_shared<snapshot>();
    settings->listen_tls.resize(settings->settings.listen.size());
    worker_thread thread(parts, home, settings, 1);
    thread.escaped(std::make_exception_ptr(std::runtime_error("out of luck")));
    ASSERT_EQ(log.of("connection_failed").size(), 1u);
    EXPECT_EQ(log.of("connection_failed")[0]["level"], "error");
    EXPECT_EQ(log.of("connection_failed")[0]["why"], "out of luck");
}

}  // namespace
}  // namespace penstock::gateway
