"""The creator alliance 天府科普创作达人联盟: who belongs to it, what they may hand in, and its two series.

admission    the published criteria, and what of them an application does not meet
creators     application, admission, trust, suspension; every step with its reason
allowance    how many works a member may hand in on a day
series       大咖说 and 大家说: calls, invitations, entries, deadlines
"""
