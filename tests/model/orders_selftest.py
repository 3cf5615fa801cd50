#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""orders.py finds every order, and notices when a verdict is missing, out of date or without a reason."""
import pathlib
import sys
import unittest
import unittest.mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import order_sites  # noqa: E402
import orders  # noqa: E402

TEXT = """
namespace crochet {
// word.load(acquire) in a comment, and "word.load(acquire)" in text
class Box : public Base {
 public:
  bool put(int* what) {
    int* seen = head_.load(relaxed);  // relaxed: for "what"
    do {
      sink->release();
    } while (!head_.compare_exchange_weak(
        seen, what, acq_rel,
        acquire));
    return first_of(side->list).exchange(count_.load(acquire) << 1, release) == 0;
  }
  int get() const { return count_.load(acquire) + count_.load(acquire); }
 private:
  alignas(64) Atomic<int*> head_{nullptr};
};
template <class T>
int Other::get() const noexcept { return v_.load(std::memory_order_acquire); }
}  // namespace crochet
"""


def sites(text=TEXT):
    return order_sites.find_sites("a.hpp", text)


def core(text=TEXT):
    """As orders.Core, of one file."""
    made = object.__new__(orders.Core)
    made.read({"a.hpp": text})
    return made


KILLED = {"killed": {"scenario": "s", "search": "--bound 2", "executions": 7, "as": "deadlock"}}
SURVIVED = {"survived": {"scenarios": 1, "executions": 100, "rounds": 1}}


class Sites(unittest.TestCase):
    def test_each_order_with_its_operation_and_function(self):
        self.assertEqual([(site.function, site.operation, site.nth, site.role, site.order) for site in sites()], [
            ("Box::put", "head_.load(relaxed)", 0, "order", "relaxed"),
            ("Box::put", "head_.compare_exchange_weak(seen, what, acq_rel, acquire)", 0, "success", "acq_rel"),
            ("Box::put", "head_.compare_exchange_weak(seen, what, acq_rel, acquire)", 0, "failure", "acquire"),
            ("Box::put", "count_.load(acquire)", 0, "order", "acquire"),
            ("Box::put", "first_of(side->list).exchange(count_.load(acquire) << 1, release)", 0, "order", "release"),
            ("Box::get", "count_.load(acquire)", 0, "order", "acquire"),
            ("Box::get", "count_.load(acquire)", 1, "order", "acquire"),
            ("Other::get", "v_.load(std::memory_order_acquire)", 0, "order", "acquire")])

    def test_an_order_that_is_not_an_operation_s_own(self):
        for text in ("auto order = acquire; word.load(order);", "word.store(1, is_last ? release : relaxed);"):
            with self.assertRaises(order_sites.NotUnderstood):
                sites(f"void f() {{ {text} }}")

    def test_a_compare_exchange_with_one_order(self):
        with self.assertRaises(order_sites.NotUnderstood):
            sites("void f() { word.compare_exchange_weak(seen, 1, acq_rel); }")

    def test_an_order_without_a_weaker_one_that_is_known(self):
        with self.assertRaises(order_sites.NotUnderstood):
            sites("void f() { word.store(1, seq_cst); }")

    def test_each_is_wrapped_by_its_number(self):
        text = order_sites.with_numbers(TEXT, sites(), 10)
        self.assertIn("exchange(count_.load(::crochet::model::weakened(13, acquire)) << 1, "
                      "::crochet::model::weakened(14, release))", text)
        self.assertEqual(text.count("weakened("), 8)
        self.assertEqual(text.count("\n"), TEXT.count("\n"))


class Check(unittest.TestCase):
    def findings(self, text=TEXT, reasons=None, change=lambda verdicts: None):
        """The verdicts are those of TEXT: relaxed orders survive, all others are killed."""
        stored = core()
        verdicts = {key: dict(SURVIVED if key[6] == "relaxed" else KILLED) for key in stored.mutants}
        change(verdicts)
        if reasons is None:
            reasons = [{"kind": "stronger", "why": "-", "to": "relaxed"}]
        with unittest.mock.patch.object(orders, "load_verdicts", lambda: (dict(stored.code), verdicts)), \
                unittest.mock.patch.object(orders, "load_reasons", lambda: reasons):
            return list(orders.findings(core(text)))

    def test_nothing_when_all_is_as_stored(self):
        self.assertEqual(self.findings(), [])

    def test_nothing_when_other_code_or_a_comment_was_changed(self):
        self.assertEqual(self.findings("void f() { word.clear(); }\n" + TEXT.replace("for \"what\"", "why")), [])

    def test_an_order_that_was_changed(self):
        found = self.findings(TEXT.replace("<< 1, release", "<< 1, acq_rel"))
        self.assertEqual([line.split(":")[0] for line in found],
                         ["changed since its orders were searched"] + 3 * ["no verdict"] +
                         ["a verdict about what is not there any more"])

    def test_a_line_that_was_changed_in_a_function_with_orders(self):
        found = self.findings(TEXT.replace("sink->release()", "sink->retain()"))
        self.assertEqual(found, ["changed since its orders were searched: a.hpp: Box::put"])

    def test_an_order_that_is_new(self):
        found = self.findings(TEXT + "void f() { word.store(1, release); }")
        self.assertEqual([line.split(":")[0] for line in found], ["no verdict"])

    def test_a_survivor_without_a_reason_or_with_two(self):
        self.assertEqual(len(self.findings(reasons=[])), 7)
        two = [{"kind": "hint", "why": "-", "to": "relaxed"}, {"kind": "hint", "why": "-", "function": "Other::get"}]
        self.assertEqual([line.split(",")[0] for line in self.findings(reasons=two)], ["2 reasons"])

    def test_a_reason_for_what_is_killed_or_is_not_there(self):
        reasons = [{"kind": "hint", "why": "-", "to": "relaxed"}, {"kind": "hint", "why": "-", "to": "acquire"},
                   {"kind": "hint", "why": "-", "function": "gone"}]
        found = self.findings(reasons=reasons)
        self.assertEqual([line.split(":")[0] for line in found],
                         ["a reason to survive, but it is killed", "a reason for nothing that is there"])

    def test_a_reason_that_names_what_is_not_there(self):
        reason = {"kind": "stronger", "why": "-", "to": "relaxed", "with": [{"function": "gone"}]}
        self.assertEqual([line.split(":")[1] for line in self.findings(reasons=[reason])], [" 0 mutants, not one, are {'function'"])

    def test_what_shares_its_work_has_been_tried_together(self):
        reason = {"kind": "together", "why": "-", "to": "relaxed"}
        self.assertEqual(len(self.findings(reasons=[reason])), 7)

        def together(verdicts):
            for key in verdicts:
                verdicts[key]["together"] = KILLED["killed"]
        self.assertEqual(self.findings(reasons=[reason], change=together), [])


class Fake:
    """A searcher without programs: whatever is weakened to `fatal` fails at once."""

    def __init__(self, made, fatal):
        self.core, self.fatal, self.files, self.searches = made, fatal, {"s": "s.cpp"}, []

    def scenarios_for(self, _key, _killers):
        return ["s"]

    def kill(self, scenario, how, limit, mutants):
        self.searches.append(mutants)
        if mutants[0][6] not in self.fatal:
            return limit, None
        return 3, {"scenario": scenario, "search": how, "executions": 3, "as": "deadlock"}


class Hunting(unittest.TestCase):
    def hunt(self, fatal, verdicts=None, rounds=2):
        made = core("void f() { word.exchange(1, acq_rel); }")
        hunt = orders.Hunt(made, Fake(made, fatal), verdicts if verdicts is not None else {}, seconds=3600)
        with unittest.mock.patch.object(orders, "save_verdicts"), unittest.mock.patch("builtins.print"):
            hunt.search(list(made.mutants), rounds)
        return {key[6]: next(iter(verdict)) for key, verdict in hunt.verdicts.items()}, len(hunt.searcher.searches)

    def test_what_fails_is_killed_and_the_others_survive(self):
        verdicts, _ = self.hunt({"relaxed", "acquire"})
        self.assertEqual(verdicts, {"relaxed": "killed", "acquire": "killed", "release": "survived"})

    def test_what_survives_relaxed_is_not_searched_otherwise(self):
        verdicts, searches = self.hunt(set())
        self.assertEqual(verdicts, dict.fromkeys(["relaxed", "acquire", "release"], "survived"))
        self.assertEqual(searches, sum(len(searches) for searches in orders.ROUNDS[:2]))

    def test_without_searches_even_what_is_fatal_survives(self):
        with unittest.mock.patch.object(orders, "ROUNDS", [[], []]):
            verdicts, searches = self.hunt({"relaxed", "acquire", "release"})
        self.assertEqual((set(verdicts.values()), searches), ({"survived"}, 0))

    def test_what_was_killed_and_is_not_any_more(self):
        made = core("void f() { word.store(1, release); }")
        hunt = orders.Hunt(made, Fake(made, set()), {key: KILLED for key in made.mutants}, seconds=3600)
        self.assertEqual([hunt.again(key) for key in made.mutants], [False])


if __name__ == "__main__":
    unittest.main()
