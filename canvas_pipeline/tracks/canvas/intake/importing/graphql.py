"""Objects of the Canvas GraphQL API in the words of the REST API.

In: a JSON object. Out: the same object, or, where its fields are GraphQL's, one with the names that ``canvas_api`` looks for. What
must hold: an object of the REST API comes back as it is; only the object's own level is rewritten, its children when they are
looked at; pages that were not saved are counted.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from typing import Any

_NAMES = {
    "courseCode": "course_code", "courseId": "course_id", "dueAt": "due_at", "pointsPossible": "points_possible",
    "submissionTypes": "submission_types", "assignmentId": "assignment_id", "userId": "user_id", "htmlUrl": "html_url",
    "anonymousId": "anonymous_id", "allCourses": "courses",
}  # fmt: skip
_CONNECTION = "Connection"
_MEMBERS = {
    "assignments": "Assignment", "filteredAssignments": "Assignment", "assignmentGroups": "AssignmentGroup",
    "submissions": "Submission", "courses": "Course", "allCourses": "Course", "groupAssignments": "Assignment",
}  # fmt: skip
"""Of which type a list's members are, where they do not say so themselves (``__typename``)."""
_SINGLE = {"course": "Course", "assignment": "Assignment", "submission": "Submission"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GLOBAL_ID = re.compile(r"[A-Za-z]+-([0-9~]{1,40})")
MORE_PAGES = "further pages of a list, which were not saved"


def plain(node: dict[str, Any], left: Counter[str]) -> dict[str, Any]:
    """The object as the REST API would give it."""
    if not _is_graphql(node):
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        name = key.removesuffix(_CONNECTION)
        if key != name and isinstance(value, dict):
            page = value.get("pageInfo")
            left[MORE_PAGES] += bool(isinstance(page, dict) and page.get("hasNextPage"))
            value = _members(value)
        if isinstance(value, list) and (type_ := _MEMBERS.get(name)):
            value = [_typed(child, type_) for child in value]
        elif type_ := _SINGLE.get(key):
            value = _typed(value, type_)
        made[_NAMES.get(key) or (_CAPITAL.sub("_", name).lower() if key != name else key)] = value
    if (id_ := _id(node)) is not None:
        made["id"] = id_
    _IN_FULL.get(_type(node), lambda _: None)(made)
    return made


def _is_graphql(node: dict[str, Any]) -> bool:
    if "_id" in node or "__typename" in node or any(key in _NAMES or key.endswith(_CONNECTION) for key in node):
        return True
    return any(isinstance(node.get(key), dict) and _is_graphql(node[key]) for key in _SINGLE)


def _members(connection: dict[str, Any]) -> list[Any]:
    if isinstance(nodes := connection.get("nodes"), list):
        return nodes
    edges = connection.get("edges")
    return (
        [edge["node"] for edge in edges if isinstance(edge, dict) and "node" in edge] if isinstance(edges, list) else []
    )


def _typed(value: Any, type_: str) -> Any:
    return {"__typename": type_, **value} if isinstance(value, dict) else value


def _type(node: dict[str, Any]) -> str:
    said = node.get("__typename")
    if isinstance(said, str):
        return said
    if {"assignmentsConnection", "courseCode"} & node.keys():
        return "Course"
    return "Submission" if "assignmentId" in node or "submissionStatus" in node else ""


def _id(node: dict[str, Any]) -> str | None:
    """The number, from ``_id``, or from the global id, which is "Course-77" in base64."""
    if isinstance(node.get("_id"), (str, int)):
        return str(node["_id"])
    given = node.get("id")
    if not isinstance(given, str):
        return None
    try:
        found = _GLOBAL_ID.fullmatch(base64.b64decode(given, validate=True).decode("ascii"))
    except (binascii.Error, ValueError):
        found = None
    return found[1] if found else given


def _course(made: dict[str, Any]) -> None:
    if isinstance(made.get("name"), str):
        made.setdefault("id", f"named/{made['name']}")
        made.setdefault("course_code", None)


def _assignment(made: dict[str, Any]) -> None:
    made.setdefault("due_at", None)
    made.setdefault("points_possible", None)
    if isinstance(course := made.get("course"), dict) and made.get("course_id") is None:
        made["course_id"] = _id(course)
    if isinstance(quiz := made.get("quiz"), dict):
        made["quiz_id"] = _id(quiz)
    if isinstance(topic := made.get("discussion"), dict):
        made["discussion_topic"] = {"id": _id(topic)}


def _submission(made: dict[str, Any]) -> None:
    made.setdefault("workflow_state", made.get("state"))
    if isinstance(assignment := made.get("assignment"), dict) and made.get("assignment_id") is None:
        made["assignment_id"] = _id(assignment)
    if isinstance(user := made.get("user"), dict) and made.get("user_id") is None:
        made["user_id"] = _id(user)


_IN_FULL = {"Course": _course, "Assignment": _assignment, "Submission": _submission}
