// Replicas that are bundled workers.
#include "gateway/settings/loading.hpp"
#include "gateway/settings/print.hpp"

#include <gmock/gmock.h>

namespace penstock::settings {
namespace {

using testing::HasSubstr;

class worker_settings : public testing::Test {
 protected:
    worker_settings() {
        std::filesystem::create_directories(folder.path() / "models" / "demo model");
        std::filesystem::create_directories(folder.path() / "models" / "empty");
        folder.write("models/demo model/config.json", "{}");
        options.folder = folder.path();
    }
    // `members` of the only replica, in flow style.
    std::string yaml(const std::string& members) const {
        return "models:\n  demo:\n    replicas:\n      - {" + members + "}\n";
    }
    replica only(const std::string& members) const {
        const root s = settings_of(yaml(members), options);
        return s.models.at("demo").versions.at("default").pools.at("default").replicas.at(0);
    }
    std::string mistakes(const std::string& members) const {
        return mistakes_of(yaml(members), options);
    }

    scratch_folder folder;
    load_options options;
};

TEST_F(worker_settings, need_only_a_model_which_is_found_from_the_file) {
    const replica made = only("worker: {model: models/demo model}");
    ASSERT_TRUE(made.worker);
    EXPECT_EQ(made.worker->model, (folder.path() / "models/demo model").string());
    EXPECT_EQ(made.worker->device, "auto");
    EXPECT_EQ(made.url, "");
    EXPECT_EQ(made.upstream_model, "demo");
}

TEST_F(worker_settings, give_an_id_of_folder_and_device) {
    EXPECT_EQ(only("worker: {model: models/demo model}").id, "demo_model");
    EXPECT_EQ(only("worker: {model: models/demo model/}").id, "demo_model");
    EXPECT_EQ(only("worker: {model: models/demo model, device: cpu}").id, "demo_model:cpu");
    EXPECT_EQ(only("worker: {model: models/demo model}, id: mine").id, "mine");
}

TEST_F(worker_settings, take_the_slots_from_the_largest_batch_unless_they_are_written) {
    EXPECT_EQ(only("worker: {model: models/demo model}").slots, 64u);
    EXPECT_EQ(only("worker: {model: models/demo model, max_batch: 7}").slots, 7u);
    EXPECT_EQ(only("worker: {model: models/demo model, max_batch: 7}, slots: 64").slots, 64u);
    const std::string pools =
        "models: {a: {versions: {v: {pools: {p: {replicas: "
        "[http://a, {worker: {model: models/demo model, max_batch: 9}}]}}}}}, "
        "b: {pools: {p: {replicas: [{worker: {model: models/demo model, max_batch: 5}}]}}}}\n";
    const root s = settings_of(pools, options);
    const auto& first = s.models.at("a").versions.at("v").pools.at("p").replicas;
    EXPECT_EQ(first.at(0).slots, 64u);
    EXPECT_EQ(first.at(1).slots, 9u);
    EXPECT_EQ(s.models.at("b").versions.at("default").pools.at("p").replicas.at(0).slots, 5u);
}

TEST_F(worker_settings, are_told_off_for_more_slots_than_a_batch_holds) {
    const auto warnings = [&](const std::string& slots) {
        const loaded result =
            load_right(yaml("worker: {model: models/demo model, max_batch: 8}" + slots), options);
        std::string text;
        for (const auto& each : result.warnings)
            text += each + '\n';
        return text;
    };
    EXPECT_THAT(warnings(", slots: 9"), HasSubstr("slots: above worker.max_batch"));
    EXPECT_THAT(warnings(", slots: 8"), testing::Not(HasSubstr("slots")));
    EXPECT_THAT(warnings(""), testing::Not(HasSubstr("slots")));
}

TEST_F(worker_settings, stand_in_place_of_a_url_and_what_belongs_to_one) {
    const std::string worker = "worker: {model: models/demo model}";
    EXPECT_EQ(
        mistakes(worker + ", url: http://a"),
        "test.yaml:4:9: models.demo.replicas[0]: must have only one of `url` and `worker`\n"
    );
    EXPECT_THAT(mistakes(worker + ", api_key: '${K}'"), HasSubstr("K")) << "not set";
    EXPECT_THAT(mistakes(worker + ", api_key: k"), HasSubstr("[0].api_key: is of URLs only"));
    EXPECT_THAT(mistakes(worker + ", tls: {}"), HasSubstr("[0].tls: is of https URLs only"));
    EXPECT_EQ(
        mistakes("slots: 1"),
        "test.yaml:4:9: models.demo.replicas[0]: must have `url` or `worker`\n"
    );
}

TEST_F(worker_settings, are_refused_with_their_lines) {
    EXPECT_EQ(
        mistakes("worker: {model: models/none, device: gpu}"),
        "test.yaml:4:19: models.demo.replicas[0].worker.model: there is no folder " +
            (folder.path() / "models/none").string() +
            "\n"
            "test.yaml:4:39: models.demo.replicas[0].worker.device: must be auto or cpu\n"
    );
    EXPECT_THAT(mistakes("worker: {model: models/empty}"), HasSubstr("no config.json in "));
    EXPECT_THAT(mistakes("worker: {model: ''}"), HasSubstr("worker.model: must name the folder"));
    EXPECT_EQ(
        mistakes("worker: {}"), "test.yaml:4:10: models.demo.replicas[0].worker.model: is missing\n"
    ) << "one mistake for one cause";
    EXPECT_EQ(
        mistakes("worker: [a]"),
        "test.yaml:4:10: models.demo.replicas[0].worker: must be a mapping of settings\n"
    );
    EXPECT_THAT(
        mistakes("worker: {model: models/demo model, max_batch: 0}"),
        HasSubstr("worker.max_batch: must be between 1 and 65536")
    );
    EXPECT_THAT(
        mistakes("worker: {model: models/demo model, max_waiting: 0}"),
        HasSubstr("worker.max_waiting: must be between 1 and 1000000")
    );
    EXPECT_THAT(
        mistakes("worker: {model: models/demo model, bulk_reserve: 100%}"),
        HasSubstr("worker.bulk_reserve: must be between 0% and 99%")
    );
    EXPECT_THAT(
        mistakes("worker: {model: models/demo model, modl: x}"), HasSubstr("did you mean `model`?")
    );
}

TEST_F(worker_settings, name_a_device_that_there_may_be) {
    for (const char* right : {"auto", "cpu"})
        EXPECT_EQ(
            mistakes("worker: {model: models/demo model, device: " + std::string(right) + "}"), ""
        ) << right;
    for (const char* wrong :
         {"''", "cuda", "'cuda:'", "'cuda:x'", "'cuda:-1'", "CPU", "'cuda:9999'"})
        EXPECT_THAT(
            mistakes("worker: {model: models/demo model, device: " + std::string(wrong) + "}"),
            HasSubstr("worker.device: must be auto or cpu")
        ) << wrong;
}

// The worker has no CUDA: said in the file's place and not by a worker that dies again and again.
TEST_F(worker_settings, name_no_gpu_until_the_worker_can_use_one) {
    for (const std::string gpu : {"'cuda:0'", "'cuda:15'"})
        EXPECT_EQ(
            mistakes("worker: {model: models/demo model, device: " + gpu + "}"),
            "test.yaml:4:45: models.demo.replicas[0].worker.device: not enforced by this version, "
            "whose worker has no CUDA; refused rather than ignored: use auto or cpu\n"
        ) << gpu;
}

TEST_F(worker_settings, tell_two_of_one_model_apart) {
    const std::string two =
        "models: {a: {replicas: [{worker: {model: models/demo model}}, "
        "{worker: {model: models/demo model}}]}}\n";
    EXPECT_THAT(
        mistakes_of(two, options),
        HasSubstr("replicas[1].worker: is the id of models.a.replicas[0] too")
    );
    const std::string apart =
        "models: {a: {replicas: [{worker: {model: models/demo model, device: auto}}, "
        "{worker: {model: models/demo model, device: cpu}}]}}\n";
    EXPECT_EQ(mistakes_of(apart, options), "");
}

TEST_F(worker_settings, of_all_workers_are_checked) {
    const auto all = [&](const std::string& members) {
        return mistakes_of(demo + "worker: {" + members + "}\n", options);
    };
    folder.write("not-executable", "");
    EXPECT_EQ(all("program: /bin/sh"), "");
    EXPECT_THAT(all("program: bin/worker"), HasSubstr("worker.program: there is no program /"));
    EXPECT_THAT(all("program: not-executable"), HasSubstr("there is no program"));
    EXPECT_THAT(all("program: /tmp"), HasSubstr("there is no program"));
    EXPECT_THAT(
        all("restart: {first: 2s, most: 1s}"),
        HasSubstr("worker.restart.first: is 2s, which must not be above worker.restart.most, 1s")
    );
}

TEST_F(worker_settings, are_printed_so_that_they_read_back) {
    const root s = settings_of(
        yaml("worker: {model: models/demo model, device: cpu, max_batch: 3, kv_memory: 3Gi}"),
        options
    );
    const std::string text = effective(s);
    EXPECT_THAT(text, HasSubstr("kv_memory: 3Gi"));
    EXPECT_EQ(settings_of(text), s);
}

}  // namespace
}  // namespace penstock::settings
