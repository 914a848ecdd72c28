// SPDX-License-Identifier: GPL-2.0-or-later
// The small stages: Pending, LinkGroups, Retries, Pace, dispose().
#include <gmock/gmock.h>

#include "foxingd/pipeline/disposition.h"
#include "foxingd/pipeline/link_groups.h"
#include "foxingd/pipeline/pace.h"
#include "foxingd/pipeline/pending.h"
#include "foxingd/pipeline/retries.h"

namespace foxing::pipeline {
namespace {

using capture::Event;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const FileHandle kDirectory{"directory"};
Name name(const char* text) { return {kDirectory, text}; }
Event changed(const char* text) { return {.kind = Event::Kind::name, .directory = kDirectory, .name = text}; }
Event renamed(const char* object, const char* from, const char* to) {
  return {.kind = Event::Kind::renamed,
          .directory = kDirectory,
          .name = from,
          .object = {object},
          .to_directory = kDirectory,
          .to_name = to};
}
std::vector<std::string> taken(Pending& pending, std::size_t most = 100) {
  std::vector<std::string> names;
  for (const Item& item : pending.take(most)) names.push_back(item.name.name);
  return names;
}

TEST(Pending, ANameIsThereOnceAndKeepsItsPlace) {
  Pending pending(100);
  for (const char* text : {"a", "b", "a", "c", "a"}) pending.push(changed(text));
  EXPECT_EQ(pending.counters().merged, 2u);
  EXPECT_THAT(taken(pending, 2), ElementsAre("a", "b"));
  pending.push(changed("a"));
  EXPECT_THAT(taken(pending), ElementsAre("c", "a"));
  EXPECT_TRUE(pending.empty());
}

TEST(Pending, WhatIsPutBackIsOlderThanWhatCameMeanwhile) {
  Pending pending(100);
  pending.push(changed("a"));
  const auto items = pending.take(1);
  pending.push(changed("b"));
  pending.push(changed("a"));
  pending.put_back(items[0]);
  EXPECT_THAT(taken(pending), ElementsAre("a", "b"));
}

TEST(Pending, WhatIsAddedOnBehalfOfAnotherIsAsOld) {
  Pending pending(100);
  pending.push(changed("directory"));
  const std::uint64_t asked = pending.last_number();
  const auto items = pending.take(1);
  pending.push(changed("new"));
  EXPECT_GT(*pending.oldest(), asked);
  pending.on_behalf_of(items[0].oldest());
  pending.add(name("in it"));
  pending.add(name("new"));  // is there, and keeps its place
  pending.on_behalf_of(0);
  EXPECT_EQ(*pending.oldest(), asked);
  EXPECT_THAT(taken(pending, 1), ElementsAre("new"));
  EXPECT_EQ(*pending.oldest(), asked);  // the other one
  EXPECT_THAT(taken(pending), ElementsAre("in it"));
  EXPECT_FALSE(pending.oldest());
}

TEST(Pending, AnObjectIsPendingUntilItsNamesAreAsked) {
  Pending pending(100);
  pending.push({.kind = Event::Kind::object, .directory = {}, .object = {"x"}});
  EXPECT_EQ(*pending.oldest(), pending.last_number());
  EXPECT_FALSE(pending.empty());
  EXPECT_EQ(pending.take_touched().since, pending.last_number());
  EXPECT_FALSE(pending.oldest());
}

TEST(Pending, AChainOfRenamesIsOneRename) {
  Pending pending(100);
  pending.push(renamed("x", "a", "b"));
  pending.push(renamed("x", "b", "c"));
  pending.push(renamed("x", "c", "d"));
  ASSERT_NE(pending.move_to(name("d")), nullptr);
  EXPECT_EQ(pending.move_to(name("d"))->from, name("a"));
  EXPECT_EQ(pending.move_to(name("b")), nullptr);
  EXPECT_THAT(pending.moves_from(name("a")), ::testing::SizeIs(1));
  EXPECT_THAT(taken(pending), ElementsAre("a", "b", "c", "d"));
}

TEST(Pending, ThereAndBackIsNoRename) {
  Pending pending(100);
  pending.push(renamed("x", "a", "b"));
  pending.push(renamed("x", "b", "a"));
  EXPECT_EQ(pending.moves(), 0u);
  EXPECT_THAT(pending.moves_from(name("a")), IsEmpty());
  EXPECT_THAT(taken(pending), ElementsAre("a", "b"));
}

TEST(Pending, TooManyNamesAreAnOverflow) {
  Pending pending(2);
  for (const char* text : {"a", "b", "c"}) pending.push(changed(text));
  EXPECT_TRUE(pending.empty());
  EXPECT_TRUE(pending.take_lost());
  EXPECT_FALSE(pending.take_lost());
  EXPECT_EQ(pending.counters().overflows, 1u);
}

TEST(Pending, WhatFollowsNeverTakesAnothersPlace) {
  Pending pending(100);
  pending.push(changed("directory"));
  pending.push(changed("later"));
  const Item directory = pending.take(1)[0];
  const Item above = pending.derived(name("above"), directory.oldest());  // it failed, and is put back
  pending.put_back(directory);
  pending.put_back(above);
  EXPECT_EQ(pending.size(), 3u);
  EXPECT_EQ(above.oldest(), directory.since);
  EXPECT_THAT(taken(pending), ElementsAre("directory", "later", "above"));
  pending.push(changed("above"));
  EXPECT_EQ(pending.size(), 1u);  // nothing of it was left behind
}

TEST(Pending, RenamesOutsideAreForgotten) {
  Pending pending(100);
  pending.push(renamed("x", "a", "b"));
  pending.forget_moves_outside(name("a"), [](const FileHandle&) { return true; });
  EXPECT_EQ(pending.moves(), 1u);
  pending.forget_moves_outside(name("b"), [](const FileHandle&) { return false; });
  EXPECT_EQ(pending.moves(), 0u);
}

TEST(Pending, FilesAndRenamesCountAsNames) {
  Pending pending(3);
  for (const char* object : {"1", "2", "3"}) pending.push({.kind = Event::Kind::object, .directory = {}, .object = {object}});
  EXPECT_FALSE(pending.lost());
  pending.push(changed("a"));
  EXPECT_TRUE(pending.take_lost());
  pending.push(renamed("x", "a", "b"));
  EXPECT_FALSE(pending.lost());
  pending.push(changed("c"));
  EXPECT_TRUE(pending.lost());
}

TEST(Pending, LostEventsForgetEverything) {
  Pending pending(100);
  pending.push(renamed("x", "a", "b"));
  pending.push({.kind = Event::Kind::lost});
  EXPECT_TRUE(pending.empty());
  EXPECT_EQ(pending.moves(), 0u);
  EXPECT_TRUE(pending.lost());
}

TEST(LinkGroups, ASecondNameFindsTheFirst) {
  LinkGroups links;
  links.note(name("a"), 7, 1);
  EXPECT_EQ(links.names(), 0u);
  EXPECT_THAT(links.companions(name("b"), 7), ElementsAre(name("a"), name("b")));
}

TEST(LinkGroups, WhoLeavesAGroupIsSeenWithIt) {
  LinkGroups links;
  for (const char* text : {"a", "b", "c"}) links.note(name(text), 7, 3);
  EXPECT_THAT(links.companions(name("b"), 9), ElementsAre(name("a"), name("c"), name("b")));
  links.note(name("b"), 9, 1);
  EXPECT_THAT(links.companions(name("b"), 9), ElementsAre(name("b")));
  EXPECT_THAT(links.companions(name("a"), 7), ElementsAre(name("c"), name("a")));
}

TEST(LinkGroups, NamesMove) {
  LinkGroups links;
  links.note(name("a"), 7, 2);
  links.note(name("b"), 7, 2);
  links.rename(name("a"), name("z"));
  EXPECT_THAT(links.companions(name("b"), 7), ElementsAre(name("z"), name("b")));
  links.forget(name("z"));
  EXPECT_THAT(links.companions(name("b"), 7), ElementsAre(name("b")));
}

TEST(LinkGroups, NamesOutsideOfTheSourceAreNotExpectedAgain) {
  LinkGroups links;
  EXPECT_EQ(links.expected(7, 3), 3u);
  links.searched(7, 3, 2);
  EXPECT_EQ(links.expected(7, 3), 2u);
  EXPECT_EQ(links.expected(7, 2), 1u);
  EXPECT_EQ(links.expected(7, 4), 3u);
  links.searched(7, 3, 3);
  EXPECT_EQ(links.expected(7, 3), 3u);
}

TEST(LinkGroups, RememberedNamesAreBounded) {
  LinkGroups links;
  for (std::size_t i = 0; i <= LinkGroups::kMostRecent; ++i) links.note({kDirectory, std::to_string(i)}, i + 1, 1);
  EXPECT_THAT(links.companions(name("x"), 1), ElementsAre(name("x")));
  EXPECT_THAT(links.companions(name("x"), 2), ElementsAre(name("1"), name("x")));
}

TEST(Retries, ThePauseDoubles) {
  Retries retries;
  const Item item{name("a"), 1};
  auto now = Clock::time_point{} + std::chrono::hours(1);
  for (const int pause : {10, 20, 40, 80}) {
    retries.failed(item);
    retries.wait(item, now);
    EXPECT_EQ(retries.next(), now + std::chrono::milliseconds(pause));
    EXPECT_THAT(retries.due(now + std::chrono::milliseconds(pause - 1)), IsEmpty());
    now += std::chrono::milliseconds(pause);
    EXPECT_THAT(retries.due(now), ::testing::SizeIs(1));
  }
  retries.succeeded(item.name);
  EXPECT_EQ(retries.failed(item), 1u);
}

TEST(Retries, NoPauseIsLongerThanTheLongest) {
  Retries retries;
  const Item item{name("a"), 5};
  for (int i = 0; i < 100; ++i) retries.failed(item);
  const auto now = Clock::time_point{};
  retries.wait(item, now);
  EXPECT_EQ(retries.next(), now + Retries::kLongest);
  EXPECT_EQ(retries.oldest(), 5u);
}

TEST(Retries, ANameWaitsOnceAndAsLongAsTheOldestOfIt) {
  Retries retries;
  const auto now = Clock::time_point{} + std::chrono::hours(1);
  retries.failed({name("a"), 7});
  retries.wait({name("a"), 7}, now);
  EXPECT_TRUE(retries.rests(name("a")));
  retries.wait({name("a"), 9}, now);
  EXPECT_EQ(retries.waiting(), 1u);
  EXPECT_EQ(retries.oldest(), 7u);
  retries.wait_until({name("b"), 3}, now + std::chrono::hours(1));
  EXPECT_FALSE(retries.rests(name("b")));  // too soon is no failure
  EXPECT_EQ(retries.oldest(), 3u);
  retries.all_are_due(now);
  EXPECT_THAT(retries.due(now), ::testing::SizeIs(2));
  EXPECT_EQ(retries.oldest(), std::nullopt);
}

TEST(Pace, OnlyWhatTookLongRests) {
  Pace pace;
  const auto begin = Clock::time_point{} + std::chrono::hours(1);
  pace.copied(name("small"), begin, begin + std::chrono::milliseconds(1));
  pace.copied(name("large"), begin, begin + std::chrono::milliseconds(100));
  pace.copied(name("huge"), begin, begin + std::chrono::minutes(1));
  const auto end = begin + std::chrono::milliseconds(100);
  EXPECT_FALSE(pace.rests(name("small"), end));
  EXPECT_TRUE(pace.rests(name("large"), end + std::chrono::milliseconds(299)));
  EXPECT_FALSE(pace.rests(name("large"), end + std::chrono::milliseconds(300)));
  EXPECT_EQ(pace.due(name("huge")), begin + std::chrono::minutes(1) + Pace::kLongest);
  pace.hurry();
  EXPECT_FALSE(pace.rests(name("huge"), begin));
}

TEST(Dispose, EveryTroubleHasAnAnswer) {
  const auto answer = [](Trouble trouble, int code, unsigned attempts) { return dispose({trouble, {.code = code}}, attempts); };
  EXPECT_EQ(answer(Trouble::none, 0, 1), Disposition::done);
  EXPECT_EQ(answer(Trouble::too_soon, 0, 1), Disposition::later);
  EXPECT_EQ(answer(Trouble::changing, 0, 500), Disposition::retry);
  EXPECT_EQ(answer(Trouble::no_room, ENOSPC, 500), Disposition::stall);
  EXPECT_EQ(answer(Trouble::no_room, EDQUOT, 500), Disposition::retry);
  EXPECT_EQ(answer(Trouble::incomplete, EOPNOTSUPP, 1), Disposition::report);
  EXPECT_EQ(answer(Trouble::incomplete, EROFS, 1), Disposition::stall);
  EXPECT_EQ(answer(Trouble::incomplete, EIO, 1), Disposition::retry);
  EXPECT_EQ(answer(Trouble::incomplete, ENOSPC, kMostAttempts), Disposition::report);
  EXPECT_EQ(answer(Trouble::in_the_way, ENOTEMPTY, 1), Disposition::retry);
  EXPECT_EQ(answer(Trouble::in_the_way, ENOTEMPTY, kMostAttempts), Disposition::report);
  EXPECT_EQ(answer(Trouble::failed, EROFS, 500), Disposition::stall);
  EXPECT_EQ(answer(Trouble::failed, ENOTCONN, 1), Disposition::stall);
  EXPECT_EQ(answer(Trouble::failed, ENOSPC, 500), Disposition::stall);
  EXPECT_EQ(answer(Trouble::emptied, 0, 1), Disposition::stall);
  EXPECT_EQ(answer(Trouble::failed, EIO, 1), Disposition::retry);
  EXPECT_EQ(answer(Trouble::failed, EIO, kMostAttempts), Disposition::report);
  EXPECT_EQ(answer(Trouble::failed, EPERM, 1), Disposition::retry);
  EXPECT_EQ(answer(Trouble::failed, EPERM, 2), Disposition::report);
  EXPECT_EQ(answer(Trouble::unreadable, EACCES, 2), Disposition::report);
}

}  // namespace
}  // namespace foxing::pipeline
