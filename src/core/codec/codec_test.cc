// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/codec/codec.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <tuple>

#include "testing/temp_tree.h"

namespace foxing::codec {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

class StringSink final : public Sink {
 public:
  Result<> write(std::span<const std::byte> bytes) override {
    EXPECT_FALSE(bytes.empty());
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  std::string text;
};

class FullSink final : public Sink {
 public:
  Result<> write(std::span<const std::byte>) override { return fail(ENOSPC, "write"); }
};

/// Cuts what it is given into pieces of random sizes, also empty ones.
class Pieces {
 public:
  explicit Pieces(unsigned seed, std::size_t largest) : random_(seed), largest_(largest) {}
  template <class Stream>
  Result<> write(Stream& stream, std::string_view text, Sink& sink) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(random_() % (largest_ + 1), text.size() - at);
      FOX_TRY(stream.write(bytes_of(text.substr(at, size)), sink));
      at += size;
    }
    return {};
  }

 private:
  std::mt19937 random_;
  std::size_t largest_;
};

std::string compressed(Codec codec, std::string_view text, std::optional<Bytes> size = {}) {
  StringSink sink;
  auto encoder = Encoder::create(codec, size);
  EXPECT_TRUE(encoder && encoder->write(bytes_of(text), sink) && encoder->finish(sink)) << to_string(codec);
  return sink.text;
}

Result<std::string> decompressed(Format format, std::string_view text, std::size_t largest = 1 << 20, unsigned seed = 1) {
  StringSink sink;
  Decoder decoder = FOX_TRY(Decoder::create(format));
  FOX_TRY(Pieces(seed, largest).write(decoder, text, sink));
  FOX_TRY(decoder.finish(sink));
  return sink.text;
}

/// Half noise, half text, with long runs of zeros.
std::string content(std::size_t size, unsigned seed) {
  std::string text = testing::random_bytes(size, seed);
  for (std::size_t at = 0; at < size; ++at) {
    const std::size_t block = at >> 12;
    if (block % 4 == 1) text[at] = '\0';
    if (block % 4 == 2) text[at] = static_cast<char>('a' + at % 17);
  }
  return text;
}

constexpr Format kCompressing[] = {Format::zstd, Format::lz4, Format::gzip, Format::xz};

/// With buffers of the content's size: thousands of them are read.
std::string small_frame(Format format, std::string_view text) {
  return compressed(*parse_codec(format == Format::xz ? "xz:0" : name_of(format)), text, Bytes(text.size()));
}

Codec usual(Format format) { return *parse_codec(name_of(format)); }

// ---- Names

TEST(ParseCodec, KnowsFormatsAndLevels) {
  EXPECT_EQ(*parse_codec("zstd"), (Codec{Format::zstd, 3}));
  EXPECT_EQ(*parse_codec("zstd:19"), (Codec{Format::zstd, 19}));
  EXPECT_EQ(*parse_codec("lz4"), (Codec{Format::lz4, 0}));
  EXPECT_EQ(*parse_codec("gzip"), (Codec{Format::gzip, 6}));
  EXPECT_EQ(*parse_codec("gzip:9"), (Codec{Format::gzip, 9}));
  EXPECT_EQ(*parse_codec("xz:0"), (Codec{Format::xz, 0}));
  EXPECT_EQ(*parse_codec("none"), Codec{});
  for (const char* text : {"zstd:1", "xz:9", "gzip:4", "lz4", "none"}) EXPECT_EQ(to_string(*parse_codec(text)), text);
}

TEST(ParseCodec, SaysWhatIsPossible) {
  EXPECT_THAT(parse_codec("zip").error().detail, HasSubstr("zstd, lz4, gzip, xz or none"));
  for (const char* text : {"zstd:0", "zstd:20", "zstd:", "zstd:3x", "zstd:-1", "zstd: 3", "zstd:99999999999999999999"})
    EXPECT_THAT(parse_codec(text).error().detail, HasSubstr("from 1 to 19")) << text;
  EXPECT_THAT(parse_codec("gzip:0").error().detail, HasSubstr("from 1 to 9"));
  EXPECT_THAT(parse_codec("lz4:1").error().detail, HasSubstr("no levels"));
  EXPECT_FALSE(parse_codec("none:1"));
  EXPECT_FALSE(parse_codec(""));
  EXPECT_FALSE(parse_codec("ZSTD"));
}

TEST(FormatBySuffix, ASuffixAloneIsNoSuffix) {
  EXPECT_EQ(format_by_suffix("a.zst"), Format::zstd);
  EXPECT_EQ(format_by_suffix("a.tar.gz"), Format::gzip);
  EXPECT_EQ(format_by_suffix("a.lz4"), Format::lz4);
  EXPECT_EQ(format_by_suffix("a.xz"), Format::xz);
  EXPECT_EQ(format_by_suffix(".xz"), std::nullopt);
  EXPECT_EQ(format_by_suffix("xz"), std::nullopt);
  EXPECT_EQ(format_by_suffix("a.zst.txt"), std::nullopt);
}

TEST(Detect, KnowsWhatIsWrittenHere) {
  for (const Format format : kCompressing) {
    const std::string text = compressed(usual(format), "content");
    EXPECT_EQ(detect(bytes_of(text).first(kMagicBytes)), format) << name_of(format);
    EXPECT_EQ(detect(bytes_of(text).first(2)), std::nullopt) << name_of(format);
  }
  EXPECT_EQ(detect(bytes_of("content")), std::nullopt);
  EXPECT_EQ(detect({}), std::nullopt);
  EXPECT_EQ(detect(bytes_of(std::string_view("\x5f\x2a\x4d\x18", 4))), Format::zstd);
}

// ---- Round trips

TEST(RoundTrip, PiecesOfRandomSizesInAndOut) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const char* name : {"zstd", "zstd:1", "zstd:12", "lz4", "gzip", "gzip:1", "xz:0", "xz", "none"}) {
    for (int round = 0; round < 6; ++round) {
      const std::string text = content(random() % 700'000, static_cast<unsigned>(random()));
      const bool announced = round % 2 == 0;
      StringSink sink;
      auto encoder = Encoder::create(*parse_codec(name), announced ? std::optional(Bytes(text.size())) : std::nullopt);
      ASSERT_TRUE(encoder);
      ASSERT_TRUE(Pieces(static_cast<unsigned>(random()), 1 + random() % 100'000).write(*encoder, text, sink));
      ASSERT_TRUE(encoder->finish(sink));
      const auto back =
          decompressed(parse_codec(name)->format, sink.text, 1 + random() % 100'000, static_cast<unsigned>(random()));
      ASSERT_TRUE(back) << name << ": " << back.error().message();
      ASSERT_TRUE(*back == text) << name << ", " << text.size() << " bytes";
    }
  }
}

TEST(RoundTrip, OneByteAtATime) {
  const std::string text = content(20'000, 5);
  for (const Format format : kCompressing) {
    StringSink sink;
    auto encoder = Encoder::create(usual(format));
    ASSERT_TRUE(encoder && Pieces(1, 1).write(*encoder, text, sink) && encoder->finish(sink));
    const auto back = decompressed(format, sink.text, 1);
    ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
    EXPECT_TRUE(*back == text) << name_of(format);
  }
}

TEST(RoundTrip, Nothing) {
  for (const Format format : kCompressing) {
    for (const auto size : {std::optional<Bytes>(), std::optional(Bytes(0))}) {
      const std::string text = compressed(usual(format), "", size);
      EXPECT_FALSE(text.empty()) << name_of(format);
      const auto back = decompressed(format, text);
      ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
      EXPECT_THAT(*back, IsEmpty());
    }
  }
}

TEST(RoundTrip, MuchFromLittle) {
  // What comes out is a thousand times what goes in: the output buffer is full again and again after the last byte went in.
  const std::string text(64 << 20, '\0');
  for (const Format format : {Format::zstd, Format::gzip, Format::lz4}) {
    const std::string small = compressed(usual(format), text);
    EXPECT_LT(small.size(), text.size() / 200) << name_of(format);
    const auto back = decompressed(format, small);
    ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
    EXPECT_TRUE(*back == text) << name_of(format);
  }
}

TEST(RoundTrip, FramesOneAfterTheOtherAreOneContent) {
  for (const Format format : kCompressing) {
    std::string frames;
    std::string text;
    for (unsigned i = 0; i < 4; ++i) {
      const std::string part = i == 2 ? "" : content(30'000 * i + 10, i);
      frames += compressed(usual(format), part);
      text += part;
    }
    for (const std::size_t largest : {1U, 7U, 1U << 20}) {
      const auto back = decompressed(format, frames, largest);
      ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
      EXPECT_TRUE(*back == text) << name_of(format);
    }
  }
}

TEST(RoundTrip, SkippableFramesAndPaddingAreSkipped) {
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  for (const Format format : {Format::zstd, Format::lz4}) {
    const std::string frame = compressed(usual(format), "content");
    for (const std::string& text : {skippable + frame, frame + skippable, frame + skippable + frame}) {
      const auto back = decompressed(format, text, 3);
      ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
      EXPECT_EQ(*back, text.size() > 2 * frame.size() ? "contentcontent" : "content");
    }
  }
  for (const Format format : {Format::gzip, Format::xz}) {
    const std::string padded = compressed(usual(format), "content") + std::string(512, '\0');
    const auto back = decompressed(format, padded, 5);
    ASSERT_TRUE(back) << name_of(format) << ": " << back.error().message();
    EXPECT_EQ(*back, "content");
  }
}

// ---- What is wrong is said

TEST(Damage, EveryTruncationIsAnError) {
  const std::string text = content(9'000, 3).substr(0, 1500) + "and some text, some text, some text";
  for (const Format format : kCompressing) {
    const std::string whole = small_frame(format, text);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto back = decompressed(format, std::string_view(whole).substr(0, size), 1 + size % 50);
      ASSERT_FALSE(back) << name_of(format) << " cut to " << size << " of " << whole.size();
      ASSERT_EQ(back.error().code, EBADMSG);
      ASSERT_THAT(back.error().detail, HasSubstr("ends too early")) << name_of(format) << " cut to " << size;
    }
  }
}

TEST(Damage, ATruncationInALaterFrameIsAnErrorToo) {
  for (const Format format : kCompressing) {
    const std::string frame = small_frame(format, "content");
    for (std::size_t size = 1; size < frame.size(); ++size)
      ASSERT_FALSE(decompressed(format, frame + frame.substr(0, size), 1 + size % 9)) << name_of(format) << " " << size;
  }
}

TEST(Damage, NoFlippedBitGivesOtherContent) {
  const std::string text = content(1'200, 4) + "text text text text";
  for (const Format format : kCompressing) {
    const std::string whole = small_frame(format, text);
    unsigned harmless = 0;
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const auto back = decompressed(format, flipped, 1 + bit % 100);
      if (!back) continue;
      ++harmless;  // a time or an operating system in gzip's header
      ASSERT_TRUE(*back == text) << name_of(format) << ": bit " << bit << " of " << whole.size() * 8;
    }
    EXPECT_LT(harmless, 64u) << name_of(format);
  }
}

TEST(Damage, NoiseIsNeverTaken) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    for (const Format format : kCompressing) {
      std::string noise = testing::random_bytes(300, seed);
      EXPECT_FALSE(decompressed(format, noise)) << name_of(format) << " seed " << seed;
      // With a good beginning it gets further.
      const std::string good = small_frame(format, content(5'000, seed));
      EXPECT_FALSE(decompressed(format, good.substr(0, 20) + noise, 64)) << name_of(format) << " seed " << seed;
    }
  }
}

TEST(Damage, GarbageBehindIsAnError) {
  for (const Format format : kCompressing) {
    const std::string frame = small_frame(format, "content");
    for (const std::string garbage : {"x", "garbage that is longer", "\x1fzzzzzzzzzzz"}) {
      const auto back = decompressed(format, frame + garbage);
      ASSERT_FALSE(back) << name_of(format) << " and " << garbage;
      EXPECT_EQ(back.error().code, EBADMSG);
    }
  }
  EXPECT_THAT(decompressed(Format::gzip, small_frame(Format::gzip, "a") + std::string(8, '\0') + "b").error().detail,
              HasSubstr("followed by something"));
  EXPECT_THAT(decompressed(Format::zstd, small_frame(Format::zstd, "a") + "garbage").error().detail,
              HasSubstr("followed by something"));
}

TEST(Damage, AnErrorStays) {
  for (const Format format : kCompressing) {
    StringSink sink;
    auto decoder = Decoder::create(format);
    ASSERT_TRUE(decoder);
    EXPECT_FALSE(decoder->write(bytes_of("this is no frame of any kind"), sink)) << name_of(format);
    EXPECT_FALSE(decoder->write(bytes_of(small_frame(format, "content")), sink));
    EXPECT_FALSE(decoder->finish(sink));
  }
}

TEST(Damage, AnErrorOfTheSinkIsHandedOn) {
  FullSink full;
  for (const Format format : {Format::none, Format::zstd, Format::lz4, Format::gzip, Format::xz}) {
    auto decoder = Decoder::create(format);
    ASSERT_TRUE(decoder);
    Result<> written = decoder->write(bytes_of(compressed(usual(format), content(300'000, 1))), full);
    if (written) written = decoder->finish(full);
    ASSERT_FALSE(written) << name_of(format);
    EXPECT_EQ(written.error().code, ENOSPC);

    auto encoder = Encoder::create(usual(format));
    ASSERT_TRUE(encoder);
    written = encoder->write(bytes_of("content"), full);
    if (written) written = encoder->finish(full);
    ASSERT_FALSE(written) << name_of(format);
    EXPECT_EQ(written.error().code, ENOSPC);
  }
}

TEST(Damage, AnAnnouncedSizeIsAPromise) {
  for (const Format format : {Format::zstd, Format::lz4}) {
    for (const std::size_t size : {3U, 9U}) {
      StringSink sink;
      auto encoder = Encoder::create(usual(format), Bytes(size));
      ASSERT_TRUE(encoder);
      Result<> ended = encoder->write(bytes_of("content"), sink);
      if (ended) ended = encoder->finish(sink);
      EXPECT_FALSE(ended) << name_of(format) << " " << size;
    }
  }
}

TEST(Memory, AWindowThatIsTooLargeIsRefused) {
  // A zstd frame header: no single segment, window descriptor 2^41.
  const std::string zstd("\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00", 9);
  EXPECT_THAT(decompressed(Format::zstd, zstd).error().detail, HasSubstr("128 MiB"));
}

// ---- The tools

bool installed(std::string_view tool) { return std::system(("command -v " + std::string(tool) + " >/dev/null").c_str()) == 0; }

class Tools : public ::testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    tool_ = name_of(GetParam());
    if (!installed(tool_)) GTEST_SKIP() << tool_ << " is not installed";
  }
  int run(const std::string& command) const { return std::system(("cd " + world_.path() + " && " + command).c_str()); }

  testing::TempTree world_;
  std::string tool_;
};

TEST_P(Tools, ReadWhatIsWrittenHere) {
  const std::string text = content(6'000'000, 11);
  const std::string name = "a" + std::string(suffix_of(GetParam()));
  world_.file(name, compressed(usual(GetParam()), text) + compressed(usual(GetParam()), "more", Bytes(4)));
  ASSERT_EQ(run(tool_ + " -dc " + name + " >back"), 0);
  EXPECT_TRUE(world_.read("back") == text + "more");
}

TEST_P(Tools, WriteWhatIsReadHere) {
  const std::string text = content(6'000'000, 12);
  world_.file("a", text);
  for (const char* level : {"-1", "-9"}) {
    ASSERT_EQ(run(tool_ + " -c " + level + " a >b && printf more | " + tool_ + " -c >>b"), 0);
    const std::string written = world_.read("b");
    EXPECT_EQ(detect(bytes_of(written)), GetParam());
    const auto back = decompressed(GetParam(), written, 100'000);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_TRUE(*back == text + "more") << level;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Tools, ::testing::ValuesIn(kCompressing),
                         [](const auto& format) { return std::string(name_of(format.param)); });

TEST(Memory, AWindowOf128MiBIsReadAndALargerOneIsNot) {
  const testing::TempTree world;
  const auto written_by = [&](const std::string& command) {  // from a pipe: zstd makes the window no larger than a known size
    EXPECT_EQ(std::system(("echo content | " + command + " >" + world.at("b")).c_str()), 0) << command;
    return world.read("b");
  };
  for (const auto& [format, reads, refuses] :
       {std::tuple{Format::zstd, "zstd -c --long=27", "zstd -c --long=30"},
        std::tuple{Format::xz, "xz -c --lzma2=dict=128MiB", "xz -c --lzma2=dict=256MiB"}}) {
    if (!installed(name_of(format))) GTEST_SKIP() << name_of(format) << " is not installed";
    EXPECT_EQ(decompressed(format, written_by(reads)).value_or("refused"), "content\n");
    const auto refused = decompressed(format, written_by(refuses));
    ASSERT_FALSE(refused) << refuses;
    EXPECT_EQ(refused.error().code, EFBIG);
  }
}

}  // namespace
}  // namespace foxing::codec
