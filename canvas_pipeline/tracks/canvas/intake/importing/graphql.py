"""Convert objects of the Canvas GraphQL API to the field names of the REST API.

Only the object's own level is converted; ``canvas_api`` converts its children when it reaches them. Pages that were not saved are
counted.
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
"""A list's field → the type of its members, for members without ``__typename``."""
_SINGLE = {"course": "Course", "assignment": "Assignment", "submission": "Submission"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GLOBAL_ID = re.compile(r"[A-Za-z]+-([0-9~]{1,40})")
MORE_PAGES = "further pages of a list, which were not saved"


def plain(node: dict[str, Any], skipped: Counter[str]) -> dict[str, Any]:
    """Return an object with the REST API's field names. An object of the REST API is returned unchanged."""
    if not _is_graphql(node):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        name = key.removesuffix(_CONNECTION)
        if key != name and isinstance(value, dict):
            page = value.get("pageInfo")
            skipped[MORE_PAGES] += bool(isinstance(page, dict) and page.get("hasNextPage"))
            value = _members(value)
        if isinstance(value, list) and (type_ := _MEMBERS.get(name)):
            value = [_typed(child, type_) for child in value]
        elif type_ := _SINGLE.get(key):
            value = _typed(value, type_)
        result[_NAMES.get(key) or (_CAPITAL.sub("_", name).lower() if key != name else key)] = value
    if (id_ := _id(node)) is not None:
        result["id"] = id_
    _COMPLETE.get(_type(node), lambda _: None)(result)
    return result


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
    name = node.get("__typename")
    if isinstance(name, str):
        return name
    if {"assignmentsConnection", "courseCode"} & node.keys():
        return "Course"
    return "Submission" if "assignmentId" in node or "submissionStatus" in node else ""


def _id(node: dict[str, Any]) -> str | None:
    """Return the numeric id, from ``_id`` or from the global id ("Course-77" in base64)."""
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


def _course(node: dict[str, Any]) -> None:
    if isinstance(node.get("name"), str):
        node.setdefault("id", f"named/{node['name']}")
        node.setdefault("course_code", None)


def _assignment(node: dict[str, Any]) -> None:
    node.setdefault("due_at", None)
    node.setdefault("points_possible", None)
    if isinstance(course := node.get("course"), dict) and node.get("course_id") is None:
        node["course_id"] = _id(course)
    if isinstance(quiz := node.get("quiz"), dict):
        node["quiz_id"] = _id(quiz)
    if isinstance(topic := node.get("discussion"), dict):
        node["discussion_topic"] = {"id": _id(topic)}


def _submission(node: dict[str, Any]) -> None:
    node.setdefault("workflow_state", node.get("state"))
    if isinstance(assignment := node.get("assignment"), dict) and node.get("assignment_id") is None:
        node["assignment_id"] = _id(assignment)
    if isinstance(user := node.get("user"), dict) and node.get("user_id") is None:
        node["user_id"] = _id(user)


_COMPLETE = {"Course": _course, "Assignment": _assignment, "Submission": _submission}
