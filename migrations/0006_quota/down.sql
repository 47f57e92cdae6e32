drop table quota_windows;
