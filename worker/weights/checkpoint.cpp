// Finds the files of a folder's weights and what each of them holds.
#include "worker/weights/checkpoint.hpp"

#include "worker/weights/content_hash.hpp"
#include "worker/weights/file.hpp"
#include "worker/weights/json_file.hpp"
#include "worker/weights/parallel_read.hpp"
#include "worker/weights/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace penstock::worker {

namespace {

constexpr std::string_view single_file = "model.safetensors";
constexpr std::string_view index_file = "model.safetensors.index.json";

error invalid(std::string_view file, std::string_view what) {
    return {errc::invalid_value, std::string(file) + ": " + std::string(what)};
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t shown = 200;
    return "'" + std::string(text.substr(0, shown)) + (text.size() > shown ? "…'" : "'");
}

std::optional<dtype> read_type(std::string_view name) {
    if (name == "F32") return dtype::f32;
    if (name == "BF16") return dtype::bf16;
    if (name == "F16") return dtype::f16;
    return std::nullopt;
}

struct file_header {
    std::uint64_t data_begin = 0;
    std::vector<stored_tensor> tensors;
};

result<file_header> read_header(const input_file& file) {
    const read_some read = reads_of(file.descriptor());
    std::array<std::byte, header_prefix_bytes> prefix{};
    const std::size_t have = std::min<std::uint64_t>(prefix.size(), file.bytes());
    CHECK(read_in_pieces(read, 0, std::span(prefix).first(have), 1));
    TRY(const std::uint64_t length, header_length(std::span(prefix).first(have), file.bytes()));
    std::string json(length, '\0');
    CHECK(read_in_pieces(read, prefix.size(), std::as_writable_bytes(std::span(json)), 1));
    file_header made;
    made.data_begin = prefix.size() + length;
    TRY(made.tensors, parse_header(json, file.bytes() - made.data_begin));
    return made;
}

// Tensor to file, as the index says; names of files ascending, each once.
struct index_content {
    std::vector<std::string> files;
    std::map<std::string, std::size_t, std::less<>> tensors;
};

bool stays_in_folder(std::string_view name) {
    return !name.empty() && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

result<index_content> read_index(const std::filesystem::path& path) {
    TRY(const boost::json::object index, read_json_object(path));
    const boost::json::value* found = index.if_contains("weight_map");
    if (!found || !found->is_object()) return invalid(index_file, "it has no object `weight_map`");
    index_content made;
    std::map<std::string, std::size_t, std::less<>> numbers;
    for (const auto& [key, value] : found->get_object()) {
        const std::string_view tensor(key.data(), key.size());
        if (!value.is_string())
            return invalid(index_file, "the file of tensor " + in_quotes(tensor) + " is no text");
        const std::string_view file(value.get_string().data(), value.get_string().size());
        if (!stays_in_folder(file))
            return invalid(
                index_file,
                "tensor " + in_quotes(tensor) + " is said to be in " + in_quotes(file) +
                    ", which names no file of this folder"
            );
        const auto [at, is_new] = numbers.try_emplace(std::string(file), made.files.size());
        if (is_new) made.files.emplace_back(file);
        made.tensors.emplace(tensor, at->second);
    }
    if (made.tensors.empty()) return invalid(index_file, "`weight_map` is empty");
    return made;
}

}  // namespace

result<checkpoint> checkpoint::open(const std::filesystem::path& folder) {
    std::error_code ignored;
    const bool is_single = std::filesystem::exists(folder / single_file, ignored);
    const bool has_index = std::filesystem::exists(folder / index_file, ignored);
    if (!is_single && !has_index)
        return invalid(
            folder.string(),
            "it has neither " + std::string(single_file) + " nor " + std::string(index_file)
        );
    index_content index;
    if (is_single)
        index.files.emplace_back(single_file);
    else {
        TRY(index, read_index(folder / index_file));
    }
    checkpoint made;
    std::size_t num_found = 0;
    for (std::size_t i = 0; i < index.files.size(); ++i) {
        TRY(input_file file, input_file::open(folder / index.files[i]));
        auto header = read_header(file);
        if (!header) {
            error& why = header.error();
            return error(why.code, index.files[i] + ": " + why.detail);
        }
        made.names_.push_back(index.files[i]);
        made.files_.push_back(file.release());
        for (stored_tensor& tensor : header.value().tensors) {
            const auto listed = index.tensors.find(tensor.name);
            if (!is_single && (listed == index.tensors.end() || listed->second != i)) continue;
            ++num_found;
            made.add(std::move(tensor), i, header.value().data_begin);
        }
    }
    for (const auto& [tensor, file] : index.tensors) {
        if (num_found == index.tensors.size()) break;
        if (made.find(tensor) == nullptr && made.other_type(tensor).empty())
            return invalid(
                index_file,
                "tensor " + in_quotes(tensor) + " is not in " + in_quotes(index.files[file])
            );
    }
    made.expected_bytes_ = made.total_bytes_;
    return made;
}

void checkpoint::add(stored_tensor&& tensor, std::size_t file, std::uint64_t data_begin) {
    const std::optional<dtype> type = read_type(tensor.type);
    if (!type) {
        other_types_.emplace(std::move(tensor.name), std::move(tensor.type));
        return;
    }
    tensor_place place;
    place.type = *type;
    place.shape = std::move(tensor.shape);
    place.file = file;
    place.offset = data_begin + tensor.begin;
    place.bytes = tensor.end - tensor.begin;
    total_bytes_ += place.bytes;
    tensors_.emplace(std::move(tensor.name), std::move(place));
}

checkpoint::checkpoint(checkpoint&&) noexcept = default;

checkpoint& checkpoint::operator=(checkpoint&& other) noexcept {
    checkpoint taken(std::move(other));
    std::swap(files_, taken.files_);
    std::swap(names_, taken.names_);
    std::swap(tensors_, taken.tensors_);
    std::swap(other_types_, taken.other_types_);
    std::swap(total_bytes_, taken.total_bytes_);
    std::swap(expected_bytes_, taken.expected_bytes_);
    std::swap(bytes_read_, taken.bytes_read_);
    std::swap(contents_, taken.contents_);
    std::swap(tell_, taken.tell_);
    std::swap(readers_, taken.readers_);
    return *this;
}

checkpoint::~checkpoint() {
    for (const int file : files_)
        ::close(file);
}

const tensor_place* checkpoint::find(std::string_view name) const noexcept {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
}

std::string_view checkpoint::other_type(std::string_view name) const noexcept {
    const auto found = other_types_.find(name);
    return found == other_types_.end() ? std::string_view() : found->second;
}

result<void> checkpoint::read(const tensor_place& place, std::span<std::byte> out) const {
    if (out.size() != place.bytes || place.file >= files_.size())
        return error(errc::internal, "a tensor is read into memory of another size");
    // While a piece is still warm; its readers share the work.
    std::vector<std::uint64_t> hashes((out.size() + read_piece_bytes - 1) / read_piece_bytes);
    const auto hash = [&](std::size_t index, std::span<const std::byte> piece) {
        hashes[index] = content_hash(piece);
    };
    const auto read = reads_of(files_[place.file]);
    auto done = read_in_pieces(read, place.offset, out, readers_, read_piece_bytes, hash);
    if (!done) return error(done.error().code, names_[place.file] + ": " + done.error().detail);
    contents_[{place.file, place.offset, place.bytes}] = joined_hash(hashes);
    bytes_read_ += place.bytes;
    if (tell_) tell_({bytes_read_, std::max(expected_bytes_, bytes_read_)});
    return success();
}

std::optional<std::uint64_t> checkpoint::content_of(const tensor_place& place) const noexcept {
    const auto found = contents_.find({place.file, place.offset, place.bytes});
    if (found == contents_.end()) return std::nullopt;
    return found->second;
}

}  // namespace penstock::worker
