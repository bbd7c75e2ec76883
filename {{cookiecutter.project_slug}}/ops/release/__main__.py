from ops.release.command_line import main, run

if __name__ == "__main__":
    run(main, "python -m ops.release")
