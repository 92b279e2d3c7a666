// Folders of weights: one file or several, and what is wrong with those that are refused.
#include "worker/weights/checkpoint.hpp"

#include "support/tiny_checkpoint.hpp"
#include "worker/weights/parallel_read.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <sys/stat.h>

namespace penstock::worker {
namespace {

using test::tiny_tensor;

std::vector<tiny_tensor> some_tensors() {
    return {
        {"a", "F32", {2, 3}, std::string(24, 'a')},
        {"b", "BF16", {5}, std::string(10, 'b')},
        {"c", "F16", {}, "cc"},
        {"d", "F32", {0}, ""},
    };
}

class checkpoint_folder : public testing::Test {
 protected:
    std::string fault() const {
        const auto opened = checkpoint::open(path());
        return opened ? std::string() : opened.error().detail;
    }
    const std::filesystem::path& path() const { return folder_.path(); }
    void index(std::string_view text) const {
        test::write_text(path() / "model.safetensors.index.json", text);
    }

 private:
    test::temporary_folder folder_;
};

std::string read(const checkpoint& from, std::string_view name) {
    const tensor_place* place = from.find(name);
    if (!place) return "(missing)";
    std::string bytes(place->bytes, '?');
    const auto done = from.read(*place, std::as_writable_bytes(std::span(bytes)));
    return done ? bytes : done.error().detail;
}

TEST_F(checkpoint_folder, of_one_file_gives_its_tensors) {
    test::write_weights(path(), some_tensors(), 1);
    auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened) << opened.error().detail;
    const checkpoint& weights = opened.value();
    EXPECT_EQ(weights.tensors().size(), 4u);
    EXPECT_EQ(weights.total_bytes(), 36u);
    ASSERT_NE(weights.find("a"), nullptr);
    EXPECT_EQ(weights.find("a")->shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(weights.find("b")->type, dtype::bf16);
    EXPECT_EQ(weights.find("c")->type, dtype::f16);
    EXPECT_EQ(weights.find("e"), nullptr);
    EXPECT_EQ(read(weights, "a"), std::string(24, 'a'));
    EXPECT_EQ(read(weights, "b"), std::string(10, 'b'));
    EXPECT_EQ(read(weights, "c"), "cc");
    EXPECT_EQ(read(weights, "d"), "");
}

TEST_F(checkpoint_folder, knows_the_content_of_what_was_read) {
    constexpr std::size_t bytes = read_piece_bytes + 40;  // of two pieces
    const auto content = [&](char last, unsigned readers) {
        std::string data(bytes, 'x');
        data.back() = last;
        test::write_weights(path(), {{"a", "F32", {bytes / 4}, data}}, 1);
        auto opened = checkpoint::open(path());
        opened.value().set_readers(readers);
        const tensor_place* place = opened.value().find("a");
        EXPECT_FALSE(opened.value().content_of(*place)) << "before it was read";
        read(opened.value(), "a");
        return opened.value().content_of(*place).value();
    };
    EXPECT_EQ(content('x', 1), content('x', 4));
    EXPECT_NE(content('x', 1), content('y', 1));
}

TEST_F(checkpoint_folder, in_shards_is_the_same_as_in_one_file) {
    const auto tensors = test::tiny_tensors({});
    const test::temporary_folder other;
    test::write_weights(path(), tensors, 1);
    test::write_weights(other.path(), tensors, 3);
    auto single = checkpoint::open(path()), sharded = checkpoint::open(other.path());
    ASSERT_TRUE(single && sharded);
    EXPECT_EQ(single.value().total_bytes(), sharded.value().total_bytes());
    ASSERT_EQ(single.value().tensors().size(), tensors.size());
    ASSERT_EQ(sharded.value().tensors().size(), tensors.size());
    for (const unsigned readers : {1u, 4u}) {
        sharded.value().set_readers(readers);
        for (const tiny_tensor& tensor : tensors) {
            EXPECT_EQ(sharded.value().find(tensor.name)->shape, tensor.shape);
            EXPECT_EQ(read(single.value(), tensor.name), tensor.bytes);
            EXPECT_EQ(read(sharded.value(), tensor.name), tensor.bytes);
        }
    }
}

TEST_F(checkpoint_folder, reads_a_tensor_of_many_pieces_by_several_readers) {
    std::string bytes(20 * 1024 * 1024 + 12, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(i * 7 + (i >> 16));
    test::write_weights(path(), {{"big", "F32", {bytes.size() / 4}, bytes}}, 1);
    auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened);
    opened.value().set_readers(3);
    EXPECT_TRUE(read(opened.value(), "big") == bytes);
}

TEST_F(checkpoint_folder, tells_how_much_is_read) {
    test::write_weights(path(), some_tensors(), 2);
    auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened);
    checkpoint& weights = opened.value();
    std::vector<std::uint64_t> told;
    weights.on_progress([&](load_progress progress) {
        EXPECT_EQ(progress.bytes_total, 34u);
        told.push_back(progress.bytes_read);
    });
    weights.expect_bytes(34);
    read(weights, "b");
    read(weights, "a");
    EXPECT_EQ(told, (std::vector<std::uint64_t>{10, 34}));
}

TEST_F(checkpoint_folder, survives_a_move) {
    test::write_weights(path(), some_tensors(), 2);
    auto opened = checkpoint::open(path()), other = checkpoint::open(path());
    ASSERT_TRUE(opened && other);
    checkpoint moved = std::move(opened).value();
    EXPECT_EQ(read(moved, "c"), "cc");
    moved = std::move(other).value();
    EXPECT_EQ(read(moved, "c"), "cc");
}

TEST_F(checkpoint_folder, names_the_type_of_what_it_does_not_read) {
    auto tensors = some_tensors();
    tensors.push_back({"ids", "I64", {1}, "12345678"});
    test::write_weights(path(), tensors, 2);
    const auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(opened.value().find("ids"), nullptr);
    EXPECT_EQ(opened.value().other_type("ids"), "I64");
    EXPECT_EQ(opened.value().other_type("a"), "");
    EXPECT_EQ(opened.value().total_bytes(), 36u);
}

TEST_F(checkpoint_folder, leaves_tensors_out_that_its_index_does_not_name) {
    test::write_safetensors(path() / "x.safetensors", some_tensors());
    test::write_safetensors(path() / "y.safetensors", some_tensors());
    index(R"({"weight_map": {"a": "x.safetensors", "b": "y.safetensors"}})");
    const auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(opened.value().tensors().size(), 2u);
    EXPECT_NE(opened.value().find("a")->file, opened.value().find("b")->file);
}

TEST_F(checkpoint_folder, without_weights_is_refused) {
    EXPECT_EQ(
        fault(),
        path().string() + ": it has neither model.safetensors nor model.safetensors.index.json"
    );
}

TEST_F(checkpoint_folder, with_a_broken_file_is_refused_by_its_name) {
    test::write_text(path() / "model.safetensors", "short");
    EXPECT_EQ(fault(), "model.safetensors: it is too short for a safetensors file");
    test::write_text(path() / "model.safetensors", "");
    EXPECT_EQ(fault(), "model.safetensors: it is too short for a safetensors file");
    test::write_safetensors(path() / "model.safetensors", "[]", "");
    EXPECT_EQ(fault(), "model.safetensors: its header does not begin with '{'");
    test::write_text(path() / "model.safetensors", std::string(100, '\xff'));
    EXPECT_TRUE(fault().starts_with("model.safetensors: its header claims 18446744073709551615"));
}

TEST_F(checkpoint_folder, with_something_else_where_a_file_belongs_is_refused) {
    std::filesystem::create_directory(path() / "model.safetensors");
    EXPECT_TRUE(fault().ends_with("model.safetensors: it is not a regular file")) << fault();
    std::filesystem::remove(path() / "model.safetensors");
    ASSERT_EQ(::mkfifo((path() / "model.safetensors").c_str(), 0600), 0);
    EXPECT_TRUE(fault().ends_with("model.safetensors: it is not a regular file")) << fault();
}

TEST_F(checkpoint_folder, says_when_a_file_was_cut_after_it_was_opened) {
    test::write_weights(path(), some_tensors(), 1);
    const auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened);
    const auto file = path() / "model.safetensors";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 4);
    EXPECT_EQ(
        read(opened.value(), "c"),
        "model.safetensors: the file ended early: it was cut while it was read"
    );
}

TEST_F(checkpoint_folder, has_an_index_that_stays_inside) {
    const std::string at = "model.safetensors.index.json: ";
    for (const char* name : {"../x", "/etc/passwd", "a/b", "..", ".", "", "a\\\\b", "a\\u0000"}) {
        index(R"({"weight_map": {"a": ")" + std::string(name) + "\"}}");
        EXPECT_TRUE(fault().ends_with("which names no file of this folder")) << fault();
    }
    index(R"({"weight_map": {"a": "missing.safetensors"}})");
    EXPECT_TRUE(fault().ends_with("missing.safetensors: No such file or directory")) << fault();
    index("{");
    EXPECT_TRUE(fault().starts_with(at + "it is not JSON")) << fault();
    index("[]");
    EXPECT_EQ(fault(), at + "it is no JSON object");
    index("{}");
    EXPECT_EQ(fault(), at + "it has no object `weight_map`");
    index(R"({"weight_map": []})");
    EXPECT_EQ(fault(), at + "it has no object `weight_map`");
    index(R"({"weight_map": {}})");
    EXPECT_EQ(fault(), at + "`weight_map` is empty");
    index(R"({"weight_map": {"a": 1}})");
    EXPECT_EQ(fault(), at + "the file of tensor 'a' is no text");
}

TEST_F(checkpoint_folder, has_every_tensor_where_its_index_says) {
    test::write_safetensors(path() / "x.safetensors", {some_tensors()[0]});
    test::write_safetensors(path() / "y.safetensors", {some_tensors()[1]});
    index(R"({"weight_map": {"a": "y.safetensors", "b": "x.safetensors"}})");
    EXPECT_EQ(fault(), "model.safetensors.index.json: tensor 'a' is not in 'y.safetensors'");
    index(R"({"weight_map": {"a": "x.safetensors", "z": "x.safetensors"}})");
    EXPECT_EQ(fault(), "model.safetensors.index.json: tensor 'z' is not in 'x.safetensors'");
}

TEST_F(checkpoint_folder, is_read_into_memory_of_the_right_size_only) {
    test::write_weights(path(), some_tensors(), 1);
    const auto opened = checkpoint::open(path());
    ASSERT_TRUE(opened);
    std::vector<std::byte> memory(23);
    EXPECT_FALSE(opened.value().read(*opened.value().find("a"), memory));
}

}  // namespace
}  // namespace penstock::worker
