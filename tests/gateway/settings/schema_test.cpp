// The generated schema, and the file that editors read.
#include "gateway/settings/schema.hpp"

#include "gateway/settings/loading.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace penstock::settings {
namespace {

// Regenerate with: penstock check --schema > config/schema.json
TEST(schema, is_what_config_schema_json_holds) {
    EXPECT_EQ(text_of(repository() / "config" / "schema.json"), json_schema());
}

TEST(schema, says_types_ranges_defaults_and_what_is_required) {
    const boost::json::value schema = boost::json::parse(json_schema());
    const auto at = [&](const char* pointer) { return schema.at_pointer(pointer); };
    EXPECT_EQ(at("/$schema"), "https://json-schema.org/draft/2020-12/schema");
    EXPECT_EQ(at("/additionalProperties"), false);
    EXPECT_EQ(at("/required/0"), "models");
    EXPECT_EQ(at("/properties/timeouts/properties/total/default"), "10m");
    EXPECT_EQ(at("/properties/limits/properties/head/anyOf/0/minimum"), 1024);
    EXPECT_EQ(at("/properties/log/properties/level/anyOf/0/enum/0"), "debug");
    EXPECT_EQ(at("/$defs/replica/anyOf/1/properties/slots/default"), 64);
    EXPECT_EQ(at("/$defs/replica/anyOf/1/anyOf/0/required/0"), "url");
    EXPECT_EQ(at("/$defs/replica/anyOf/1/anyOf/1/required/0"), "worker");
    EXPECT_EQ(
        at("/$defs/replica/anyOf/1/properties/worker/anyOf/1/properties/max_batch/default"), 64
    );
    EXPECT_EQ(at("/properties/keys/items/required/1"), "sha256");
    EXPECT_EQ(
        at("/properties/models/additionalProperties/properties/replicas/items/$ref"),
        "#/$defs/replica"
    );
}

}  // namespace
}  // namespace penstock::settings
