"""What twins are told of users: which data, how often, in how few numbers, how privately."""

from rtwin.streaming.userdata.codes import CODES, Code, decoded, fit_code, window_of
from rtwin.streaming.userdata.drives import read_drives
from rtwin.streaming.userdata.importance import Importance, component_importance, importances
from rtwin.streaming.userdata.settings import UserDataStudy
from rtwin.streaming.userdata.study import UserData, run_userdata
from rtwin.streaming.userdata.tables import userdata_results
from rtwin.streaming.userdata.updates import POLICIES, Known, new_users, updated

__all__ = [
    "CODES",
    "POLICIES",
    "Code",
    "Importance",
    "Known",
    "UserData",
    "UserDataStudy",
    "component_importance",
    "decoded",
    "fit_code",
    "importances",
    "new_users",
    "read_drives",
    "run_userdata",
    "updated",
    "userdata_results",
    "window_of",
]
