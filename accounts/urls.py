"""Addresses of the pages of accounts."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/code", views.sign_in_code, name="sign-in-code"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("register", views.register, name="register"),
    path("account", views.account, name="account"),
    path("account/password", views.password, name="account-password"),
    path("account/mfa", views.mfa_state, name="account-mfa"),
    path("account/mfa/verify", views.mfa_verify, name="account-mfa-verify"),
    path("account/mfa/disable", views.mfa_disable, name="account-mfa-disable"),
    path("account/mfa/recovery-codes", views.mfa_recovery_codes, name="account-mfa-recovery-codes"),
    path("account/sign-out-everywhere", views.sign_out_everywhere, name="account-sign-out-everywhere"),
    path("audit", views.audit, name="audit"),
]
