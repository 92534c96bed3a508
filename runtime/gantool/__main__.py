"""`python -m gantool`: the command line, which is a package of its own."""


def main() -> None:
    from gantool_cli.main import main as run

    run()


if __name__ == "__main__":
    main()
