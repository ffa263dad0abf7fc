"""Import courses and work from saved answers of the Canvas API.

Accepts GraphQL answers and those of any endpoint that lists courses, assignments (also in groups, courses, to-do lists, planner
items, calendar events), quizzes, discussions or submissions, at any nesting. Objects are recognised by their fields, not by the
file's name. Submissions are imported only if all of them belong to one person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from canvas_pipeline.tracks.canvas.intake.importing import graphql
from canvas_pipeline.tracks.canvas.intake.importing.gathered import PEOPLE, Course, Gathered, Work, points

_IN_URL = re.compile(r"/courses/([0-9~]{1,40})(?![0-9~])")
_CONTEXT = re.compile(r"course_([0-9~]{1,40})")
_STATES = {"graded": "GRADED", "submitted": "SUBMITTED", "pending_review": "SUBMITTED", "unsubmitted": "NOT_SUBMITTED"}
_PLANNED = {"assignment": ("a", "ASGN"), "quiz": ("q", "QUIZ"), "discussion_topic": ("d", "DISC")}
_OF_PEOPLE = ("sortable_name", "login_id", "enrollment_state", "display_name", "short_name", "avatar_url")
_PEOPLE_LISTS = ("enrollments", "teachers", "users", "students", "observed_users", "participants", "instructors")


class CanvasApi:
    """Call ``add`` for each value, then ``finish``."""

    def __init__(self, gathered: Gathered) -> None:
        self._found = gathered
        self._states: list[tuple[str, str, str]] = []  # (work, owner, status)
        self._same: list[tuple[str, str]] = []  # (assignment, the same work as a quiz or discussion)

    def add(self, value: Any) -> None:
        """Import a value, which must not be nested deeper than the reader allows."""
        stack: list[tuple[Any, str | None]] = [(value, None)]
        while stack:
            node, course = stack.pop()
            if isinstance(node, list):
                stack += [(child, course) for child in reversed(node)]
            elif isinstance(node, dict):
                stack += reversed(list(self._object(node, course)))
            else:
                self._found.skipped["values that are no objects"] += 1

    def finish(self) -> None:
        """Assign statuses, and merge quizzes and discussions that are assignments too. Call it after the last file."""
        for assignment, twin in self._same:
            if assignment in self._found.work and (removed := self._found.work.pop(twin, None)):
                self._found.add(assignment, removed)
        # Several submissions of one assignment belong to several people, even if they name no owner.
        anonymous = [key for key, owner, _ in self._states if not owner]
        if len({owner for _, owner, _ in self._states if owner}) > 1 or len(anonymous) > len(set(anonymous)):
            self._found.skipped[PEOPLE] += len(self._states)
            return
        for key, _, status in self._states:
            if key in self._found.work:
                self._found.work[key].status = status
            else:
                self._found.skipped["submissions of assignments that are in no file"] += 1

    def _object(self, node: dict[str, Any], course: str | None) -> Iterator[tuple[Any, str | None]]:
        """Import an object; yield the values in it that remain to be imported, with their course."""
        node = graphql.plain(node, self._found.skipped)
        course = _course_of(node) or course
        if isinstance(node.get("plannable"), dict):
            self._planner_item(node, course)
        elif "assignment_id" in node and "workflow_state" in node and not {"name", "title"} & node.keys():
            self._submission(node, f"a{node['assignment_id']}")
            yield from ((node[key], course) for key in ("assignment", "course") if isinstance(node.get(key), dict))
        elif "name" in node and ("submission_types" in node or {"due_at", "points_possible"} <= node.keys()):
            yield from self._assignment(node, course)
        elif "quiz_type" in node or "discussion_type" in node or "is_announcement" in node:
            yield from self._quiz_or_discussion(node, course)
        elif "id" in node and {"course_code", "enrollment_term_id", "access_restricted_by_date"} & node.keys():
            yield from self._course(node)
        elif any(key in node for key in _OF_PEOPLE):
            self._found.skipped[PEOPLE] += 1
        else:
            inner = node.get("course")
            if isinstance(inner, dict) and "id" in inner:
                course = str(inner["id"])
            children = [(key, child) for key, child in node.items() if isinstance(child, (dict, list))]
            if not children:
                known = "context_code" in node or "workflow_state" in node
                self._found.skipped[
                    "events and other objects that are no work" if known else "objects of unknown kind"
                ] += 1
            for key, child in children:
                if key in _PEOPLE_LISTS:
                    self._found.skipped[PEOPLE] += len(child)
                else:
                    yield child, key if key.isdecimal() and isinstance(child, list) else course

    def _course(self, node: dict[str, Any]) -> Iterator[tuple[Any, str | None]]:
        id_ = str(node["id"])
        name = next(
            (n for n in (node.get("original_name"), node.get("name"), node.get("course_code")) if _is_text(n)), None
        )
        if name is None:
            self._found.skipped["courses without a name (closed to you by date)"] += 1
        else:
            term = node.get("term")
            label = term.get("name") if isinstance(term, dict) else None
            code = node.get("course_code")
            self._found.courses[id_] = Course(
                name, str(code) if _is_text(code) else name, label if _is_text(label) else None
            )
        for key in _PEOPLE_LISTS:
            self._found.skipped[PEOPLE] += len(node[key]) if isinstance(node.get(key), list) else 0
        for key in ("assignments", "assignment_groups", "quizzes", "discussion_topics"):
            if isinstance(node.get(key), list):
                yield node[key], id_

    def _assignment(self, node: dict[str, Any], course: str | None) -> Iterator[tuple[Any, str | None]]:
        key = f"a{node.get('id') or (course, node['name'], node.get('due_at'))}"
        types = node.get("submission_types")
        kinds = tuple(t for t in types if isinstance(t, str)) if isinstance(types, list) else ()
        topic = node.get("discussion_topic")
        type_ = "ASGN"
        if node.get("is_quiz_assignment") or node.get("quiz_id") or "online_quiz" in kinds:
            type_ = "QUIZ"
            self._same.append((key, f"q{node.get('quiz_id')}"))
        elif isinstance(topic, dict) or "discussion_topic" in kinds:
            type_ = "DISC"
            self._same.append((key, f"d{topic.get('id')}" if isinstance(topic, dict) else ""))
        self._found.skipped["descriptions"] += bool(node.get("description"))
        self._found.add(key, Work(
            _text(node["name"]), course, type_, _date(node.get("due_at")), points(node.get("points_possible")), kinds,
        ))  # fmt: skip
        own = node.get("submission")
        for submission in own if isinstance(own, list) else [own]:
            if isinstance(submission, dict):
                self._submission(submission, key)
        if isinstance(node.get("submissions"), list):
            yield [{"assignment_id": node.get("id"), **s} for s in node["submissions"] if isinstance(s, dict)], course
        if isinstance(node.get("course"), dict):
            yield node["course"], None

    def _quiz_or_discussion(self, node: dict[str, Any], course: str | None) -> Iterator[tuple[Any, str | None]]:
        if isinstance(inner := node.get("assignment"), dict):
            yield inner, course
        elif node.get("is_announcement"):
            self._found.skipped["announcements"] += 1
        elif f"a{node.get('assignment_id')}" not in self._found.work:
            sign, type_, kind = (
                ("q", "QUIZ", "online_quiz") if "quiz_type" in node else ("d", "DISC", "discussion_topic")
            )
            key = f"{sign}{node.get('id')}"
            if node.get("assignment_id"):
                self._same.append((f"a{node['assignment_id']}", key))
            due, worth = _date(node.get("due_at")), points(node.get("points_possible"))
            self._found.add(key, Work(_text(node.get("title")), course, type_, due, worth, (kind,)))

    def _planner_item(self, node: dict[str, Any], course: str | None) -> None:
        sign, type_ = _PLANNED.get(str(node.get("plannable_type")), ("", ""))
        if not sign:
            self._found.skipped["notes, events and pages of the planner"] += 1
            return
        work = node["plannable"]
        key = f"a{work['assignment_id']}" if work.get("assignment_id") else f"{sign}{node.get('plannable_id')}"
        state = node.get("submissions")
        status = None
        if isinstance(state, dict):
            status = "GRADED" if state.get("graded") else "SUBMITTED" if state.get("submitted") else "NOT_SUBMITTED"
        due, worth = _date(work.get("due_at")), points(work.get("points_possible"))
        self._found.add(key, Work(_text(work.get("title")), course, type_, due, worth, (), status))

    def _submission(self, node: dict[str, Any], key: str) -> None:
        status = _STATES.get(str(node.get("workflow_state")))
        if status is not None:
            self._states.append((key, str(node.get("user_id") or node.get("anonymous_id") or ""), status))


def _course_of(node: dict[str, Any]) -> str | None:
    if isinstance(node.get("course_id"), (int, str)):
        return str(node["course_id"])
    if found := _CONTEXT.fullmatch(str(node.get("context_code"))):
        return found[1]
    found = _IN_URL.search(str(node.get("html_url") or ""))
    return found[1] if found else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _date(value: Any) -> str | None:
    return value if _is_text(value) else None
